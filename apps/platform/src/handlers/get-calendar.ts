import type { platformRoutes } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { Handler } from '@asheville/service'
import { filterOf, isHopeless } from '../filter-of.ts'
import { countByDate } from '../queries/reading.ts'

/** Of a search it counts what its marks stand for, which may be a few more than hold the words. */
export function getCalendar({ db }: { db: Database }): Handler<typeof platformRoutes.getCalendar> {
  return async ({ userId, app, query: { by, ...query } }) => {
    const { filter } = await filterOf(db, userId, app, query)
    return { dates: isHopeless(filter) ? [] : await countByDate(db, userId, filter, by) }
  }
}

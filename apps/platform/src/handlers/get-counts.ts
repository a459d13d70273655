import type { platformRoutes } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { Handler } from '@asheville/service'
import { countMedia } from '../queries/media.ts'
import { countItems } from '../queries/reading.ts'

export function getCounts({ db }: { db: Database }): Handler<typeof platformRoutes.getCounts> {
  return async ({ userId }) => {
    const [counts, media] = await Promise.all([countItems(db, userId, null), countMedia(db, userId)])
    return { counts: counts.map(({ accountId: _, ...count }) => count), media }
  }
}

import type { platformRoutes } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { Handler } from '@asheville/service'
import { countDuePictures } from '../queries/renditions.ts'

export function countDue({ db }: { db: Database }): Handler<typeof platformRoutes.countDue> {
  return async ({ query: { most } }) => ({ due: await countDuePictures(db, most) })
}

import type { platformRoutes } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { Handler } from '@asheville/service'
import { countMedia } from '../queries/media.ts'
import { countItems } from '../queries/reading.ts'
import { readableTypes } from '../readable.ts'

export function getCounts({ db }: { db: Database }): Handler<typeof platformRoutes.getCounts> {
  return async ({ userId, app }) => {
    const types = readableTypes(app)
    // Files are of no content type: how many there are would tell of what a program may not see.
    const [all, media] = await Promise.all([countItems(db, userId, null), types === null ? countMedia(db, userId) : []])
    const counts = all.filter(({ contentType }) => types === null || types.includes(contentType))
    return { counts: counts.map(({ accountId: _, ...count }) => count), media }
  }
}

import { AshevilleError } from '@asheville/core'
import type { platformRoutes } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { Handler } from '@asheville/service'
import { changeDecisions } from '../decisions.ts'
import { mediaByPath } from '../queries/media.ts'
import { saveFocus } from '../queries/renditions.ts'
import type { StorageOf } from '../storage-access.ts'

export interface FocusParts {
  db: Database
  storageOf: StorageOf
  now(): Date
}

/** It is the person's decision: first it is written down beside their copies, then the index follows. */
export function setFocus({ db, storageOf, now }: FocusParts): Handler<typeof platformRoutes.setFocus> {
  return async ({ userId, body: { path, focus }, signal }) => {
    const media = path.includes('\0') ? null : await mediaByPath(db, userId, path)
    if (!media?.mediaType.startsWith('image/')) throw new AshevilleError('not-found', 'There is no such picture')
    const { sha256, storageId } = media
    const { storage } = await storageOf(userId, storageId)
    const at = now().toISOString()
    const chosen = focus ? [{ kind: 'focal-point' as const, at, sha256, ...focus }] : []
    await changeDecisions(
      storage,
      (before) => [...before.filter((one) => one.kind !== 'focal-point' || one.sha256 !== sha256), ...chosen],
      signal,
    )
    await saveFocus(db, userId, sha256, focus)
  }
}

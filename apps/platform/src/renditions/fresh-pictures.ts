import type { Spool } from '../spool.ts'
import { renderSpooled, type RenditionParts, type StoredPicture } from './render-pictures.ts'
import { limits } from './rendered.ts'

/** Looks at a picture that has just been stored, in its own time; then, or if there is no room for it, its bytes are disposed of. */
export type TakeFresh = (picture: StoredPicture, spool: Spool) => Promise<void>

/** What may wait. */
const most = { pictures: 500, bytes: 256 * 1024 ** 2 }

/**
 * While a picture's bytes are at hand nothing has to be asked of its storage. More than may wait, and what is lost with the process, is
 * due again soon, and then read from there.
 */
export function createFreshPictures(parts: RenditionParts): TakeFresh {
  const held = { pictures: 0, bytes: 0 }
  return async (picture, spool) => {
    if (spool.bytes > limits.bytes || held.pictures === most.pictures || held.bytes + spool.bytes > most.bytes) return spool.dispose()
    held.pictures += 1
    held.bytes += spool.bytes
    renderSpooled(parts, picture, spool)
      // What is wrong with it is noted; and anything else is tried again once it is due.
      .catch(() => undefined)
      .finally(() => {
        held.pictures -= 1
        held.bytes -= spool.bytes
        return spool.dispose()
      })
      .catch(() => undefined)
  }
}

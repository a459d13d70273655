import { AshevilleError, kindOf } from '@asheville/core'
import type { RenditionSize, StoredMedia } from '@asheville/clients'
import { findRendition, pictureFacts, type PictureFacts } from '../queries/renditions.ts'
import { renderStored, type RenditionParts } from './render-pictures.ts'
import type { Rendered } from './rendered.ts'

type Media = StoredMedia & { storageId: string }

/** Finds a smaller copy of a picture, or has it made. */
export interface FindSize {
  /** Names the copy, with what decides how it looks; null: nobody knows yet. Throws `not-found` when there is none of that file. */
  tagOf(userId: string, media: Media, size: RenditionSize): Promise<string | null>
  /** Errors: the same; the storage's. */
  find(userId: string, media: Media, size: RenditionSize): Promise<Uint8Array>
}

/** Grows when renditions come out otherwise than before. */
const version = 1
/** For getting the original; whoever waits for it may be gone before that, others not. */
const deadlineMs = 30_000

export function createFindSize(parts: RenditionParts): FindSize {
  const { db } = parts
  /** Those that are asked for all at once, as pages do, are rendered once. */
  const underWay = new Map<string, Promise<Rendered>>()

  async function factsOf(userId: string, { storageId, sha256, mediaType }: Media): Promise<PictureFacts> {
    const facts = await pictureFacts(db, userId, storageId, sha256)
    if (!mediaType.startsWith('image/') || facts.error !== null) throw noSmaller(facts.error ?? 'it is no picture')
    return facts
  }

  return {
    async tagOf(userId, media, size) {
      const { picture } = await factsOf(userId, media)
      if (!picture) return null
      const cut = size === 'square' ? [picture.focus.x, picture.focus.y] : []
      return [media.sha256, size, version, ...cut].join('-')
    },

    async find(userId, media, size) {
      const found = await findRendition(db, userId, media.sha256, size)
      if (found) return found
      const { picture } = await factsOf(userId, media)
      const chosen = picture?.isFocusChosen ? picture.focus : null
      const name = `${userId}/${media.sha256}/${JSON.stringify(chosen)}`
      const rendering =
        underWay.get(name) ?? renderStored(parts, { ...media, userId, chosen }, { signal: AbortSignal.timeout(deadlineMs), isUrgent: true })
      underWay.set(name, rendering)
      try {
        return (await rendering).renditions[size]
      } catch (error) {
        throw kindOf(error) === 'invalid' ? noSmaller((error as Error).message) : error
      } finally {
        underWay.delete(name)
      }
    },
  }
}

const noSmaller = (reason: string) => new AshevilleError('not-found', `There is no smaller copy of this file: ${reason}`)

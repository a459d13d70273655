import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import { AshevilleError, kindOf, throwIfAborted } from '@asheville/core'
import { asPerson, type Database } from '@asheville/database'
import type { KeptReplies } from '../kept-replies.ts'
import {
  boundRenditions,
  claimDuePictures,
  countDuePictures,
  noteUnrenderable,
  postponeRendering,
  saveRendered,
  type DuePicture,
} from '../queries/renditions.ts'
import type { Spool } from '../spool.ts'
import type { StorageOf } from '../storage-access.ts'
import type { Renderer } from './create-renderer.ts'
import { limits, type Rendered } from './rendered.ts'

export interface RenditionParts {
  db: Database
  storageOf: StorageOf
  replies: Pick<KeptReplies, 'drop'>
  renderer: Renderer
  /** What all renditions together may take. */
  cacheBytes: number
}

/** A stored picture. */
export type StoredPicture = Omit<DuePicture, 'tries'>

const picturesAtOnce = 20
/** A picture over which so many tries ended before anybody could tell why is left. */
const mostTries = 5

/** Looks at some pictures that are due, whoever has them; answers how many there still are, of which a few are counted. */
export async function renderDue(parts: RenditionParts, signal: AbortSignal): Promise<number> {
  const { db } = parts
  const pictures = await claimDuePictures(db, randomUUID(), picturesAtOnce)
  await Promise.all(
    pictures.map(({ tries, ...picture }) =>
      asPerson(picture.userId, async () => {
        if (tries > mostTries) return noteUnrenderable(db, picture.userId, picture.sha256, 'It was tried too often')
        await renderStored(parts, picture, { signal }).catch((error: unknown) => {
          if (kindOf(error) !== 'invalid') return postponeRendering(db, picture.userId, picture.sha256)
        })
      }),
    ),
  )
  if (pictures.length > 0) await boundRenditions(db, parts.cacheBytes)
  return countDuePictures(db, picturesAtOnce)
}

/** Looks at a picture as it lies in its storage. Errors: the storage's; `invalid`, which is noted, when it cannot be rendered. */
export function renderStored(
  parts: RenditionParts,
  picture: StoredPicture,
  { signal, isUrgent = false }: { signal: AbortSignal; isUrgent?: boolean },
): Promise<Rendered> {
  const load = async () => {
    throwIfAborted(signal)
    const { storage } = await parts.storageOf(picture.userId, picture.storageId)
    const got = await storage.get(picture.path, { signal })
    if (got === null || got === 'unchanged') throw new AshevilleError('not-found', 'This file is not in your storage any more')
    return wholeOf(got.body)
  }
  return render(parts, picture, load, isUrgent)
}

/** Looks at a picture whose bytes are at hand. */
export function renderSpooled(parts: RenditionParts, picture: StoredPicture, spool: Spool): Promise<Rendered> {
  return render(parts, picture, () => spool.readAt(0, spool.bytes), false)
}

async function render(
  { db, replies, renderer }: RenditionParts,
  { userId, sha256, bytes, chosen }: StoredPicture,
  load: () => Promise<Uint8Array>,
  isUrgent: boolean,
): Promise<Rendered> {
  try {
    if (bytes > limits.bytes) throw tooLarge()
    const rendered = await renderer.render(load, chosen, { isUrgent })
    await saveRendered(db, userId, sha256, rendered)
    await replies.drop(userId)
    return rendered
  } catch (error) {
    if (error instanceof AshevilleError && error.kind === 'invalid') await noteUnrenderable(db, userId, sha256, error.message)
    throw error
  }
}

const tooLarge = () => new AshevilleError('invalid', `It is larger than ${limits.bytes / 1024 ** 2} MiB`)

/** The file may have grown since it was stored. */
async function wholeOf(body: Readable): Promise<Buffer> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of body as AsyncIterable<Buffer>) {
    bytes += piece.byteLength
    if (bytes > limits.bytes) throw tooLarge()
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

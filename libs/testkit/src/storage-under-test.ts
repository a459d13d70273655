import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { AshevilleError, type PutResult, type Storage, type Upload } from '@asheville/core'

/** Never aborts. */
export const signal = new AbortController().signal

/** What goes wrong with every request until it is lifted: 429 (wait some seconds), 5xx, silence, answers that end half-way. */
export type StorageFault = 'rate-limited' | 'server-error' | 'hang' | 'cut-off'

/** An empty place to store in, opened, and what can be done to it from outside. A hook that is absent skips its cases. */
export interface StorageUnderTest {
  storage: Storage
  /** Leaves less than 64 KiB of space. */
  fillQuota?(): Promise<void>
  /** Makes space again. */
  freeQuota?(): Promise<void>
  /** The other side refuses the token from now on; answers the token, so that the suite can look for it in errors. */
  killToken?(): Promise<string>
  /** The other side takes only a new token from now on, which `io.token()` answers. */
  renewToken?(): unknown
  /** Cursors of changes that were told so far are worth nothing from now on. */
  forgetCursors?(): unknown
  /** For what is reached over a network; its client should give up on silence within half a second. */
  fault?(fault: StorageFault | null): unknown
  close(): Promise<void>
}

export const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex')

/** An upload of these bytes (or this text), with nothing there before unless said otherwise. */
export function uploadOf(path: string, content: Uint8Array | string, replaces: Upload['replaces'] = null): Upload {
  const data = Buffer.from(content)
  return { path, bytes: data.length, sha256: sha256(data), body: () => Readable.from([data], { objectMode: false }), replaces }
}

/** All bytes of a stream. */
export async function bytesOf(body: Readable): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of body) pieces.push(Buffer.from(piece as Uint8Array))
  return Buffer.concat(pieces)
}

export async function read(storage: Storage, path: string): Promise<Buffer | null> {
  const got = await storage.get(path, { signal })
  if (got === 'unchanged') throw new Error('unchanged without being asked')
  return got && bytesOf(got.body)
}

export async function putOne(storage: Storage, upload: Upload): Promise<PutResult> {
  const [result] = await storage.put([upload], signal)
  if (!result) throw new Error('no result')
  return result
}

export async function stored(storage: Storage, upload: Upload): Promise<string> {
  const result = await putOne(storage, upload)
  if (result.outcome === 'failed') throw result.error
  if (result.outcome !== 'stored') throw new Error(`${upload.path}: ${result.outcome}`)
  return result.revision
}

export async function paths(storage: Storage, prefix = ''): Promise<string[]> {
  const found: string[] = []
  for await (const file of storage.list(prefix, signal)) found.push(file.path)
  return found.sort()
}

export const kindThrown = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing thrown',
    (error: unknown) => (error instanceof AshevilleError ? error.kind : error),
  )

/** What every method of a storage that holds `a/file.json` fails with. */
export async function failures(storage: Storage): Promise<unknown[]> {
  const put = await putOne(storage, uploadOf('a/new.json', 'x'))
  const attempts = [
    storage.get('a/file.json', { signal }),
    storage.stat('a/file.json', signal),
    paths(storage),
    storage.remove('a/file.json', null, signal),
    ...(storage.space ? [storage.space(signal)] : []),
    ...(storage.changes ? [storage.changes(null, signal)] : []),
  ].map((attempt) =>
    attempt.then(
      () => 'nothing thrown',
      (error: unknown) => error,
    ),
  )
  return [put.outcome === 'failed' ? put.error : put, ...(await Promise.all(attempts))]
}

/** Everything that an error would print, causes included. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return [error.stack, JSON.stringify(error), error.cause === undefined ? '' : wordsOf(error.cause)].join('\n')
}

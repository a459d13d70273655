import { AshevilleError, checkedUpload, kindOf, throwIfAborted, type PutResult, type Upload } from '@asheville/core'
import type { files } from 'dropbox'
import { addressOf } from './address.ts'
import type { Client } from './client.ts'
import { commitInTurn } from './commits.ts'
import { createContentHash } from './content-hash.ts'
import { sendInParts } from './send-in-parts.ts'
import { errorOfTags, tagsOf } from './translate-error.ts'

/** What one request may carry is 150 MiB. */
const requestBytes = 128 * 1024 * 1024
/** Larger files are sent beside whatever else is written, so that it need not wait for them; only their commit takes its turn. */
const besideBytes = 8 * 1024 * 1024
/** A commit takes 1,000; but what is said of the files that are sent together travels in a header, which may not grow past 8 KiB or so. */
export const groupFiles = 40
/** From three files on, sending them together is fewer calls (begin, send, commit) than one by one. */
const fewFiles = 2

/** A file that is ready to be written. */
interface Ready {
  upload: Upload
  /** Of what is to arrive, as Dropbox tells it. */
  hash: string
  /** The upload session that holds it already, for a large one. */
  session: files.UploadSessionCursor | null
  client: Client
  signal: AbortSignal
  settle(result: PutResult): void
}

/** Each account has one writer in this process; what is handed in while it writes is written together afterwards. */
const queues = new Map<string, Ready[]>()

/** As `Storage.put`. */
export function putFiles(client: Client, accountId: string, uploads: readonly Upload[], signal: AbortSignal): Promise<PutResult[]> {
  return Promise.all(
    uploads.map(async (upload): Promise<PutResult> => {
      try {
        return await put(client, accountId, upload, signal)
      } catch (error) {
        return failed(upload, error)
      }
    }),
  )
}

async function put(client: Client, accountId: string, upload: Upload, signal: AbortSignal): Promise<PutResult> {
  addressOf(upload.path)
  throwIfAborted(signal)
  const isLarge = upload.bytes > besideBytes
  const { hash, session } = isLarge ? await sendInParts(client, upload, signal) : { hash: await hashOf(upload, signal), session: null }
  return new Promise((settle) => enqueue(accountId, { upload, hash, session, client, signal, settle }))
}

/** Read once before it is sent: a body that is not what was announced costs no call, and holds nobody up. */
async function hashOf(upload: Upload, signal: AbortSignal): Promise<string> {
  const { pass, digest } = createContentHash()
  for await (const _ of pass(checkedUpload(upload, signal)));
  return digest()
}

function enqueue(accountId: string, file: Ready): void {
  const queue = queues.get(accountId)
  if (queue) return void queue.push(file)
  queues.set(accountId, [file])
  void writeAll(accountId)
}

async function writeAll(accountId: string): Promise<void> {
  const queue = queues.get(accountId) ?? []
  // What else is handed in within this turn goes along.
  await Promise.resolve()
  while (queue.length > 0) await commitInTurn(accountId, () => writeGroup(takeGroup(queue)))
  queues.delete(accountId)
}

function takeGroup(queue: Ready[]): Ready[] {
  let bytes = 0
  const end = queue.findIndex(({ upload, session }, index) => {
    bytes += session ? 0 : upload.bytes
    return index === groupFiles || (index > 0 && bytes > requestBytes)
  })
  return queue.splice(0, end === -1 ? queue.length : end)
}

/** Settles each of them, whatever happens. */
async function writeGroup(group: readonly Ready[]): Promise<void> {
  const open = group.filter((file) => {
    if (file.signal.aborted) settleFailed(file, cancelled(file.signal))
    return !file.signal.aborted
  })
  if (open.length <= fewFiles && open.every(({ session }) => session === null)) {
    for (const file of open) await writeOne(file).catch((error: unknown) => settleFailed(file, error))
    return
  }
  await writeTogether(open).catch((error: unknown) => {
    for (const file of open) settleFailed(file, error)
  })
}

async function writeOne(file: Ready): Promise<void> {
  const { client, upload, hash, signal } = file
  const arg = { ...commitOf(upload), content_hash: hash, contents: checkedUpload(upload, signal) }
  const stored = await client.call(signal, (sdk, options) => sdk.filesUpload(arg, { ...options, extraHeaders: lengthOf(upload.bytes) }))
  await conclude(file, stored)
}

async function writeTogether(group: readonly Ready[]): Promise<void> {
  const { client } = group[0]!
  const { signal, stop } = whenAllAbort(group.map((file) => file.signal))
  try {
    const sessions = await sendTogether(client, group, signal)
    const sent = group.filter((file) => sessions.has(file))
    if (sent.length === 0) return
    const entries = sent.map((file) => ({ cursor: sessions.get(file)!, commit: commitOf(file.upload) }))
    const finished = await client.call(signal, (sdk, options) => sdk.filesUploadSessionFinishBatchV2({ entries }, options))
    for (const [index, file] of sent.entries()) {
      const entry = finished.entries[index]
      if (entry?.['.tag'] === 'success') await conclude(file, entry)
      else settleFailed(file, errorOfTags(tagsOf(entry && 'failure' in entry ? entry.failure : null)))
    }
  } finally {
    stop()
  }
}

/** Begins a session for each file that has none and sends all of them in one request. What could not be sent is settled, and has no session. */
async function sendTogether(client: Client, group: readonly Ready[], signal: AbortSignal): Promise<Map<Ready, files.UploadSessionCursor>> {
  const sessions = new Map(group.flatMap((file) => (file.session ? [[file, file.session] as const] : [])))
  let unsent = group.filter(({ session }) => session === null)
  while (unsent.length > 0) {
    const begun = await client.call(signal, (sdk, options) => sdk.filesUploadSessionStartBatch({ num_sessions: unsent.length }, options))
    const broken: { file: Ready; error: unknown }[] = []
    const entries = unsent.map(({ upload }, index) => ({
      cursor: { session_id: begun.session_ids[index] ?? '', offset: 0 },
      length: upload.bytes,
      close: true,
    }))
    const bytes = unsent.reduce((sum, { upload }) => sum + upload.bytes, 0)
    const contents = concatenated(unsent, (file, error) => broken.push({ file, error }))
    try {
      const answer = await client.call(signal, (sdk, options) =>
        sdk.filesUploadSessionAppendBatch({ entries, contents }, { ...options, extraHeaders: lengthOf(bytes) }),
      )
      for (const [index, file] of unsent.entries()) {
        const entry = answer.entries[index]
        if (entry?.['.tag'] === 'success') sessions.set(file, { ...entries[index]!.cursor, offset: file.upload.bytes })
        else settleFailed(file, errorOfTags(tagsOf(entry && 'failure' in entry ? entry.failure : null)))
      }
      return sessions
    } catch (error) {
      // One whose body broke ends the request for all; the others are sent again without it.
      if (broken.length === 0) throw error
      for (const one of broken) settleFailed(one.file, one.error)
      unsent = unsent.filter((file) => !broken.some((one) => one.file === file))
    }
  }
  return sessions
}

async function* concatenated(
  group: readonly Ready[],
  onBroken: (file: Ready, error: unknown) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const file of group) {
    try {
      yield* checkedUpload(file.upload, file.signal)
    } catch (error) {
      onBroken(file, error)
      throw error
    }
  }
}

/** Dropbox tells what it holds; what is not what was sent does not stay. */
async function conclude({ upload, hash, client, settle }: Ready, stored: files.FileMetadata): Promise<void> {
  if (stored.content_hash === hash && stored.size === upload.bytes)
    return settle({ outcome: 'stored', path: upload.path, revision: stored.rev })
  const arg = { path: addressOf(upload.path), parent_rev: stored.rev }
  await client.call(AbortSignal.timeout(30_000), (sdk, options) => sdk.filesDeleteV2(arg, options)).catch(() => undefined)
  settle(failed(upload, new AshevilleError('unavailable', 'What arrived at Dropbox is not what was sent')))
}

function commitOf({ path, replaces }: Upload): files.CommitInfo {
  const mode: files.WriteMode =
    replaces === 'any' ? { '.tag': 'overwrite' } : replaces === null ? { '.tag': 'add' } : { '.tag': 'update', update: replaces }
  // Strict: equal content where nothing must be is a conflict as well; muted: nobody wants a notice of each file.
  return { path: addressOf(path), mode, autorename: false, strict_conflict: replaces !== 'any', mute: true }
}

const lengthOf = (bytes: number) => ({ 'content-length': String(bytes) })

function settleFailed({ upload, settle }: Ready, error: unknown): void {
  settle(failed(upload, error))
}

function failed({ path }: Upload, error: unknown): PutResult {
  if (kindOf(error) === 'conflict') return { outcome: 'conflict', path }
  // Nothing is looked up when a file is written but the session that holds it.
  if (kindOf(error) === 'not-found')
    return { outcome: 'failed', path, error: new AshevilleError('unavailable', 'Dropbox lost what was sent to it') }
  return {
    outcome: 'failed',
    path,
    error: error instanceof Error ? error : new AshevilleError('unexpected', 'It could not be sent', { cause: error }),
  }
}

function cancelled(signal: AbortSignal): unknown {
  try {
    throwIfAborted(signal)
    return null
  } catch (error) {
    return error
  }
}

/** Aborts when nobody is left who wants it. */
function whenAllAbort(signals: readonly AbortSignal[]): { signal: AbortSignal; stop(): void } {
  const controller = new AbortController()
  const check = () => {
    const last = signals.every(({ aborted }) => aborted) ? signals[0] : undefined
    if (last) controller.abort(last.reason)
  }
  for (const signal of signals) signal.addEventListener('abort', check)
  return { signal: controller.signal, stop: () => signals.forEach((signal) => signal.removeEventListener('abort', check)) }
}

import { randomUUID } from 'node:crypto'
import { AshevilleError, checkedUpload, putFailure, throwIfAborted, type PutResult, type Upload } from '@asheville/core'
import { addressOf, incoming } from './address.ts'
import { findOne, type Find } from './ask-together.ts'
import { dismiss, errorOf, type Client } from './client.ts'
import { conditionsOf } from './conditions.ts'
import { parentOf, type Folders } from './folders.ts'
import { revisionOf } from './propfind.ts'
import type { Abilities } from './abilities.ts'
import { chunkBytes, sendInChunks } from './send-in-chunks.ts'

export interface Target {
  client: Client
  /** The person's folder, as an address that ends with a slash. */
  root: string
  folders: Folders
  can: Abilities
  /** Where a Nextcloud takes files in parts; null elsewhere. */
  uploads: string | null
  /** How a file is asked for once it is put, where the answer does not tell its tag. */
  find: Find
}

/** Writes one file, whole or not at all. */
export async function putFile(target: Target, upload: Upload, signal: AbortSignal): Promise<PutResult> {
  const { path } = upload
  try {
    const address = addressOf(target.root, path)
    throwIfAborted(signal)
    if (!target.can.conditions && !(await isAsExpected(target.client, address, upload.replaces, signal)))
      return { outcome: 'conflict', path }
    const revision = await withFolders(target, address, upload.replaces, signal, () => write(target, address, upload, signal))
    return { outcome: 'stored', path, revision }
  } catch (error) {
    return putFailure(path, error, signal)
  }
}

async function isAsExpected(client: Client, address: string, replaces: Upload['replaces'], signal: AbortSignal): Promise<boolean> {
  if (replaces === 'any') return true
  const found = await findOne(client, address, signal)
  return replaces === null ? found === null : found?.etag === replaces
}

/**
 * A folder that was known may have been removed since: then it is made again, once. A version in it is gone too; so is one of which sabre/dav
 * says, asked to replace it, that there is no such file.
 */
async function withFolders<T>(
  { folders }: Target,
  address: string,
  replaces: Upload['replaces'],
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  await folders.ensure(parentOf(address), signal)
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof NoFolder)) throw error
    if (replaces !== null && replaces !== 'any') throw new AshevilleError('conflict', 'The file is gone from the WebDAV server')
    folders.forget()
    await folders.ensure(parentOf(address), signal)
    return work()
  }
}

class NoFolder extends AshevilleError {}

async function write(target: Target, address: string, upload: Upload, signal: AbortSignal): Promise<string> {
  const { client, can, uploads } = target
  if (uploads !== null && upload.bytes > chunkBytes) {
    const joined = await sendInChunks(client, uploads, upload, signal, (headers, from) =>
      move(client, from, address, { ...headers, ...conditionsOf(upload.replaces, address, 'MOVE') }, signal),
    )
    return arrived(target, address, upload, joined)
  }
  if (can.wholePuts)
    return arrived(target, address, upload, await put(client, address, upload, conditionsOf(upload.replaces, address), signal))
  return putAside(target, address, upload, signal)
}

/** For servers that show a file while it comes: it comes under another name, and is renamed when it is whole. */
async function putAside(target: Target, address: string, upload: Upload, signal: AbortSignal): Promise<string> {
  const { client, root, folders } = target
  const aside = `${root}${incoming}/${randomUUID()}`
  await folders.ensure(parentOf(aside), signal)
  try {
    await put(client, aside, upload, {}, signal)
    throwIfAborted(signal)
    const moved = await move(client, aside, address, conditionsOf(upload.replaces, address, 'MOVE'), signal)
    return await arrived(target, address, upload, moved)
  } catch (error) {
    await client.send('DELETE', aside, { signal: AbortSignal.timeout(10_000) }).then(dismiss, () => undefined)
    throw error
  }
}

async function put(
  client: Client,
  address: string,
  upload: Upload,
  conditions: Record<string, string>,
  signal: AbortSignal,
): Promise<Response> {
  const headers = {
    ...conditions,
    'content-type': 'application/octet-stream',
    'content-length': String(upload.bytes),
    // Nextcloud computes one and tells it, and keeps the other; nobody else minds.
    'x-hash': 'sha256',
    'oc-checksum': `SHA256:${upload.sha256}`,
  }
  return accepted(await client.send('PUT', address, { headers, body: checkedUpload(upload, signal), signal, redirect: 'manual' }))
}

async function move(
  client: Client,
  from: string,
  destination: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Response> {
  return accepted(await client.send('MOVE', from, { headers: { overwrite: 'T', ...headers, destination }, signal }))
}

/** RFC 4918 §9.7.1, §9.9.4: 409 where the folder is missing. */
function accepted(response: Response): Response {
  dismiss(response)
  const { status } = response
  if (status === 409 || status === 404) throw new NoFolder('unavailable', 'The folder on the WebDAV server is gone')
  if (!response.ok) throw errorOf(response)
  return response
}

/** The mark of what arrived, by the answer or else by asking. What is not what was sent does not stay. */
async function arrived({ client, find }: Target, address: string, upload: Upload, answer: Response): Promise<string> {
  const hash = answer.headers.get('x-hash-sha256')
  const told = revisionOf(answer.headers.get('etag'))
  const isSame = hash === null || hash === upload.sha256
  if (told !== null && isSame) return told
  const found = await find(address)
  if (isSame && found?.bytes === upload.bytes && found.etag !== null) return found.etag
  if (found?.etag) {
    const headers = conditionsOf(found.etag, address, 'DELETE')
    await client.send('DELETE', address, { headers, signal: AbortSignal.timeout(10_000) }).then(dismiss, () => undefined)
  }
  throw new AshevilleError('unavailable', 'What arrived at the WebDAV server is not what was sent')
}

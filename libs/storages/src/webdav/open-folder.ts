import { Readable } from 'node:stream'
import {
  AshevilleError,
  fewAtOnce,
  oneAtATime,
  throwIfAborted,
  type ByteRange,
  type Got,
  type Storage,
  type StorageIo,
  type StoredFile,
} from '@asheville/core'
import { streamBody } from '@asheville/http-client'
import { abilitiesOf } from './abilities.ts'
import { addressOf, incoming, nameIn } from './address.ts'
import { askTogether } from './ask-together.ts'
import { createClient, dismiss, errorOf, service, type Client } from './client.ts'
import { conditionsOf } from './conditions.ts'
import { createFolders } from './folders.ts'
import { propfind, revisionOf, type Resource } from './propfind.ts'
import { putFile } from './put-file.ts'

/** How many files are written at once. */
const writers = 4
/** Deeper folders lead in circles: servers follow links. */
const maxDepth = 100

/** For what must be checked and written without another of this process in between: servers check when a request begins, and write at its end. */
const alone = oneAtATime()

/** A person's folder on their server as a storage. Its address is in the fields, as found when they connected. */
export function openFolder(io: StorageIo): Storage {
  const client = createClient(io)
  const root = rootOf(io)
  const can = abilitiesOf(io.fields)
  const base = io.fields['address'] ?? ''
  const target = { client, root, folders: createFolders(client, base), can, uploads: io.fields['uploads'] || null }

  async function stat(path: string, signal: AbortSignal): Promise<StoredFile | null> {
    const [found] = (await propfind(client, addressOf(root, path), 0, signal)) ?? []
    return found && !found.isFolder ? storedFile(path, found) : null
  }

  return {
    can: { conditional: can.conditions, batch: 1, range: true, maxBytes: Number.MAX_SAFE_INTEGER, hash: null },
    stat,

    put(files, signal) {
      const together = askTogether(client, signal)
      return fewAtOnce(writers, files, (file) =>
        alone(root + file.path, () => together((find) => putFile({ ...target, find }, file, signal))),
      )
    },

    async get(path, { range, unless, signal }) {
      const headers = {
        // What is packed has another tag, and no length.
        'accept-encoding': 'identity',
        ...(range && { range: `bytes=${range.start}-${range.end}` }),
        ...(unless !== undefined && { 'if-none-match': unless }),
      }
      const response = await client.send('GET', addressOf(root, path), { headers, signal, redirect: 'manual' })
      if (response.status === 304) return 'unchanged'
      const isAbsent = response.status === 404 || response.status === 410
      // A folder is an index, leads to where it has a slash, or is refused.
      const isFolder = (response.status === 200 && !response.headers.has('etag')) || response.status === 301 || response.status === 405
      if (isAbsent || isFolder) {
        dismiss(response)
        return null
      }
      return gotOf(response, range ?? null, () => stat(path, signal))
    },

    async *list(prefix, signal) {
      throwIfAborted(signal)
      yield* walk(client, prefix === '' ? root : `${addressOf(root, prefix)}/`, prefix, maxDepth, signal)
    },

    remove: (path, revision, signal) =>
      alone(root + path, async () => {
        // A folder would be removed with all that is in it.
        const file = await stat(path, signal)
        if (file === null) return
        if (revision !== null && file.revision !== revision)
          throw new AshevilleError('conflict', 'The file has changed on the WebDAV server')
        const address = addressOf(root, path)
        const headers = can.conditions ? conditionsOf(file.revision, address, 'DELETE') : {}
        const response = await client.send('DELETE', address, { headers, signal })
        dismiss(response)
        if (!response.ok && response.status !== 404) throw errorOf(response)
      }),

    async space(signal) {
      // The folder itself may not be there yet.
      const [found] = (await propfind(client, root, 0, signal)) ?? (await propfind(client, base, 0, signal)) ?? []
      const { used = null, available = null } = found ?? {}
      return { used, total: used !== null && available !== null ? used + available : null }
    },
  }
}

/** The person's folder as an address that ends with a slash. */
export function rootOf({ fields }: Pick<StorageIo, 'fields'>): string {
  const { address, folder } = fields
  if (!address || !folder) throw new AshevilleError('invalid', 'This WebDAV connection has no address')
  return `${addressOf(address, folder)}/`
}

async function* walk(client: Client, folder: string, path: string, depth: number, signal: AbortSignal): AsyncGenerator<StoredFile> {
  const found = await propfind(client, folder, 1, signal)
  if (found === null) return
  if (depth === 0) throw new AshevilleError('unavailable', 'The folders on the WebDAV server lead in circles')
  const folders: string[] = []
  for (const resource of found) {
    throwIfAborted(signal)
    const name = nameIn(folder, resource.href)
    if (name === null || (path === '' && name === incoming)) continue
    const its = path === '' ? name : `${path}/${name}`
    if (resource.isFolder) folders.push(name)
    else yield storedFile(its, resource)
  }
  for (const name of folders)
    yield* walk(client, `${folder}${encodeURIComponent(name)}/`, path === '' ? name : `${path}/${name}`, depth - 1, signal)
}

function storedFile(path: string, { etag, bytes, modified }: Resource): StoredFile {
  if (etag === null || bytes === null) throw new AshevilleError('unavailable', `${service} does not tell the version of a file`)
  return { path, bytes, revision: etag, modified }
}

async function gotOf(response: Response, range: ByteRange | null, stat: () => Promise<StoredFile | null>): Promise<Got> {
  if (!response.ok) throw errorOf(response)
  const revision = revisionOf(response.headers.get('etag'))
  const bytes = await wholeBytes(response, revision, stat)
  const [, start] = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '') ?? []
  const isAsAsked = range === null ? response.status === 200 : response.status === 206 && Number(start) === range.start
  if (isAsAsked && revision !== null && bytes !== null) {
    const body = streamBody(response, { service })
    // sabre/dav, and so Nextcloud, sends all when asked for the first byte alone.
    const wanted = range === null ? bytes : Math.min(range.end + 1, bytes) - range.start
    return { body: range === null ? body : Readable.from(beginningOf(body, wanted), { objectMode: false }), bytes, revision }
  }
  dismiss(response)
  throw new AshevilleError('unavailable', `${service} gave an answer that is not what was asked for`)
}

async function* beginningOf(body: Readable, bytes: number): AsyncGenerator<Buffer> {
  let left = bytes
  for await (const piece of body as AsyncIterable<Buffer>) {
    yield piece.subarray(0, left)
    left -= piece.length
    if (left <= 0) return
  }
}

/** Some tell no length of what they send piece by piece, or of an empty file. */
async function wholeBytes({ headers }: Response, revision: string | null, stat: () => Promise<StoredFile | null>): Promise<number | null> {
  const told = /\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1] ?? headers.get('content-length')
  if (told !== null) return Number(told)
  const file = await stat()
  return file !== null && file.revision === revision ? file.bytes : null
}

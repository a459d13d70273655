import { AshevilleError, kindOf, throwIfAborted, type Got, type Storage, type StorageIo, type StoredFile } from '@asheville/core'
import { streamBody } from '@asheville/http-client'
import type { files } from 'dropbox'
import { addressOf, pathOf } from './address.ts'
import { changesSince, untilChange } from './changes.ts'
import { createClient, type Client } from './client.ts'
import { commitInTurn } from './commits.ts'
import { groupFiles, putFiles } from './put-files.ts'

/** The largest that can be put together of parts: 2^41 - 2^22. https://www.dropbox.com/developers/documentation/http/documentation#files-upload_session-start */
const maxBytes = 2 ** 41 - 2 ** 22
const perPage = 2000

/** Our folder in a person's Dropbox as a storage. */
export function openAppFolder(io: StorageIo): Storage {
  const client = createClient(io)
  const { call } = client

  async function stat(path: string, signal: AbortSignal): Promise<StoredFile | null> {
    const found = await orNull(call(signal, (sdk, options) => sdk.filesGetMetadata({ path: addressOf(path) }, options)))
    return found?.['.tag'] === 'file' ? storedFile(found) : null
  }

  return {
    can: { conditional: true, batch: groupFiles, range: true, maxBytes, hash: 'dropbox' },
    stat,
    put: (uploads, signal) => putFiles(client, io.account.id, uploads, signal),

    async get(path, { range, unless, signal }) {
      if (unless !== undefined) {
        const file = await stat(path, signal)
        if (file === null || file.revision === unless) return file && 'unchanged'
      }
      const wanted = range === undefined ? null : `bytes=${range.start}-${range.end}`
      const response = await orNull(client.download(addressOf(path), wanted, signal))
      return response && gotOf(response)
    },

    async *list(prefix, signal) {
      for await (const entry of entriesBelow(client, prefix === '' ? '' : addressOf(prefix), signal))
        if (entry['.tag'] === 'file') yield storedFile(entry)
    },

    async remove(path, revision, signal) {
      // Without a revision Dropbox would remove a folder with all that is in it.
      const file = await stat(path, signal)
      if (file === null) return
      if (revision !== null && file.revision !== revision) throw changed()
      const parent_rev = revision ?? file.revision
      await commitInTurn(io.account.id, () =>
        orNull(call(signal, (sdk, options) => sdk.filesDeleteV2({ path: addressOf(path), parent_rev }, options))),
      )
    },

    async space(signal) {
      const { used, allocation } = await call(signal, (sdk, options) => sdk.usersGetSpaceUsage(options))
      if (allocation['.tag'] === 'individual') return { used, total: allocation.allocated }
      if (allocation['.tag'] === 'team') return { used: allocation.used, total: allocation.allocated }
      return { used, total: null }
    },

    changes: (since, signal) => changesSince(client, since, signal),
    untilChange: (since, maxMs, signal) => untilChange(client, io, since, maxMs, signal),
  }
}

/** Every file and folder below an address, over as many pages as there are; nothing when there is no such folder. */
async function* entriesBelow(
  { call }: Client,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<files.ListFolderResult['entries'][number]> {
  let page = await orNull(call(signal, (sdk, options) => sdk.filesListFolder({ path, recursive: true, limit: perPage }, options)))
  while (page !== null) {
    for (const entry of page.entries) {
      throwIfAborted(signal)
      yield entry
    }
    const { has_more, cursor } = page
    page = has_more ? await call(signal, (sdk, options) => sdk.filesListFolderContinue({ cursor }, options)) : null
  }
}

function gotOf(response: Response): Got {
  const told = response.headers.get('dropbox-api-result')
  const { rev, size } = (told === null ? {} : JSON.parse(told)) as { rev?: unknown; size?: unknown }
  if (typeof rev !== 'string' || typeof size !== 'number') {
    response.body?.cancel().catch(() => undefined)
    throw new AshevilleError('unavailable', 'Dropbox’s answer is not what it should be')
  }
  return { body: streamBody(response, { service: 'Dropbox' }), bytes: size, revision: rev }
}

const storedFile = (file: files.FileMetadataReference): StoredFile => ({
  path: pathOf(file),
  bytes: file.size,
  revision: file.rev,
  modified: file.server_modified,
})

function changed(): AshevilleError {
  return new AshevilleError('conflict', 'The file has changed in Dropbox')
}

async function orNull<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work
  } catch (error) {
    if (kindOf(error) === 'not-found') return null
    throw error
  }
}

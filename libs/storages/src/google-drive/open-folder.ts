import {
  AshevilleError,
  fewAtOnce,
  kindOf,
  oneAtATime,
  storagePathParts,
  type Got,
  type Storage,
  type StorageIo,
  type StoredFile,
} from '@asheville/core'
import { streamBody } from '@asheville/http-client'
import type { drive_v3 } from '@googleapis/drive'
import { changesSince } from './changes.ts'
import { createClient, said, type Client } from './client.ts'
import { find, folderType, quoted } from './find.ts'
import { createFolders } from './folders.ts'
import { putFile } from './put-file.ts'
import { service } from './translate-error.ts'

/** 5,120 GB. https://support.google.com/drive/answer/37603 */
const maxBytes = 5120 * 1024 ** 3
/** Google lets an account be written three times in a second: https://developers.google.com/workspace/drive/api/guides/limits */
const writers = 3
/** How many folders one query asks about: its address stays below 4 KiB. */
const foldersAtOnce = 50
const fileFields = 'id,name,size,headRevisionId,modifiedTime,parents'

/** For what must be checked and written without another of this process in between: Google has no conditional writes. */
const alone = oneAtATime()

/** Our folder in a person's Google Drive as a storage. */
export function openFolder(io: StorageIo): Storage {
  const client = createClient(io)
  const { id: account } = io.account
  const folders = createFolders(client, account)

  async function fileAt(path: string, signal: AbortSignal): Promise<(StoredFile & { id: string }) | null> {
    const parts = storagePathParts(path)
    const parent = await folders.find(parts.slice(0, -1), signal)
    if (parent === null) return null
    try {
      const file = await fileIn(client, parent, parts.at(-1)!, signal)
      return file && { ...storedFile(path, file), id: said(file.id) }
    } catch (error) {
      if (kindOf(error) !== 'not-found') throw error
      // The folder is.
      folders.forget()
      return null
    }
  }

  return {
    can: { conditional: false, batch: 1, range: true, maxBytes, hash: 'sha256' },

    async stat(path, signal) {
      const found = await fileAt(path, signal)
      if (found === null) return null
      const { id: _, ...file } = found
      return file
    },

    put: (uploads, signal) =>
      fewAtOnce(writers, uploads, (upload) => alone(`${account}/${upload.path}`, () => putFile(client, folders, upload, signal))),

    async get(path, { range, unless, signal }) {
      const file = await fileAt(path, signal)
      if (file === null || file.revision === unless) return file && 'unchanged'
      // Of this version and no other, whatever is written meanwhile.
      const address = `/drive/v3/files/${file.id}/revisions/${file.revision}?alt=media&acknowledgeAbuse=true`
      const headers = { 'accept-encoding': 'identity', ...(range && { range: `bytes=${range.start}-${range.end}` }) }
      try {
        const response = await client.send(address, { headers, signal }, [range === undefined ? 200 : 206])
        return { body: streamBody(response, { service }), bytes: file.bytes, revision: file.revision } satisfies Got
      } catch (error) {
        if (kindOf(error) !== 'not-found') throw error
        throw new AshevilleError('unavailable', 'The file went away in Google Drive while it was to be read')
      }
    },

    async *list(prefix, signal) {
      const paths = await folders.below(prefix === '' ? [] : storagePathParts(prefix), signal)
      const ids = [...paths.keys()]
      for (let at = 0; at < ids.length; at += foldersAtOnce) {
        const inThem = ids.slice(at, at + foldersAtOnce).map((id) => `${quoted(id)} in parents`)
        const seen = new Set<string>()
        for await (const file of find(client, `(${inThem.join(' or ')}) and mimeType != '${folderType}'`, fileFields, signal)) {
          const folder = paths.get(file.parents?.[0] ?? '')
          if (folder === undefined || !file.name) continue
          const path = folder === '' ? file.name : `${folder}/${file.name}`
          // A younger one of the same name does not count.
          if (!seen.has(path)) yield storedFile(path, file)
          seen.add(path)
        }
      }
    },

    remove: (path, revision, signal) =>
      alone(`${account}/${path}`, async () => {
        const file = await fileAt(path, signal)
        if (file === null) return
        if (revision !== null && file.revision !== revision) throw new AshevilleError('conflict', 'The file has changed in Google Drive')
        await client
          .tell(signal, (sdk, options) => sdk.files.delete({ fileId: file.id }, options))
          .catch((error: unknown) => {
            if (kindOf(error) !== 'not-found') throw error
          })
      }),

    async space(signal) {
      const { storageQuota: quota } = await client.call(signal, (sdk, options) =>
        sdk.about.get({ fields: 'storageQuota(limit,usage)' }, options),
      )
      return { used: quota?.usage ? Number(quota.usage) : null, total: quota?.limit ? Number(quota.limit) : null }
    },

    changes: (since, signal) => changesSince(client, folders, since, signal),
  }
}

/** Google compares names whatever their case, and lets several be the same: of those the oldest counts. */
export async function fileIn(client: Client, folder: string, name: string, signal: AbortSignal): Promise<drive_v3.Schema$File | null> {
  const query = `${quoted(folder)} in parents and name = ${quoted(name)} and mimeType != '${folderType}'`
  for await (const file of find(client, query, fileFields, signal)) if (file.name === name) return file
  return null
}

function storedFile(path: string, { size, headRevisionId, modifiedTime }: drive_v3.Schema$File): StoredFile {
  return { path, bytes: Number(said(size)), revision: said(headRevisionId), modified: modifiedTime ?? null }
}

import type { IncomingMessage } from 'node:http'
import type { StoredItem } from '@asheville/clients'
import type { Database } from '@asheville/database'
import { objectOf } from './page-file.ts'
import type { PageItems, ReadPage } from './page-reader.ts'
import type { ListedRow } from './queries/reading.ts'
import type { StorageOf } from './storage-access.ts'

export interface ReadParts {
  db: Database
  storageOf: StorageOf
  readPage: ReadPage
}

/** Whether the request asks for what the storage has now (RFC 9111 §5.2.1.4). */
export function isAskedNow({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return /(^|[\s,])no-cache($|[\s,])/i.test(headers['cache-control'] ?? '')
}

/**
 * The items of these rows as they lie in the storage, in the same order. What the person took out of the files is left out.
 * With `Cache-Control: no-cache` in the request the storage is asked, whatever was read a moment ago.
 */
export async function readItems(
  { storageOf, readPage }: ReadParts,
  userId: string,
  rows: readonly ListedRow[],
  request?: Pick<IncomingMessage, 'headers'>,
): Promise<StoredItem[]> {
  const isAsked = request !== undefined && isAskedNow(request)
  const pages = new Map<string, PageItems>()
  for (const [storageId, ofStorage] of Map.groupBy(rows, ({ storageId }) => storageId)) {
    const { storage } = await storageOf(userId, storageId)
    const revisions = new Map(ofStorage.map(({ path, revision }) => [path, revision]))
    await Promise.all(
      [...revisions].map(async ([path, revision]) => {
        const items = await readPage(storage, { userId, storageId, path, revision }, isAsked)
        pages.set(`${storageId} ${path}`, items)
      }),
    )
  }
  return rows.flatMap((row) => {
    const entry = pages.get(`${row.storageId} ${row.path}`)?.get(row.id)
    if (!entry) return []
    const { key, id, network, handle: account, contentType, at, goneAt, path } = row
    return [{ key, id, network, account, contentType, at, goneAt, path, object: objectOf(entry) }]
  })
}

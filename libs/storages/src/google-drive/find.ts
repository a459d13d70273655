import { AshevilleError, throwIfAborted } from '@asheville/core'
import type { drive_v3 } from '@googleapis/drive'
import type { Client } from './client.ts'

export const folderType = 'application/vnd.google-apps.folder'
/** The most that one page may have. */
const perPage = 1000

type Found = drive_v3.Schema$File

/**
 * What matches of what we have put there and nobody threw away, the oldest first, over as many pages as there are.
 *
 * @param query https://developers.google.com/workspace/drive/api/guides/search-files
 * @param fields of each: `id,name`
 */
export async function* find({ call }: Client, query: string, fields: string, signal: AbortSignal): AsyncGenerator<Found> {
  const q = `${query} and trashed = false`
  let pageToken: string | undefined
  do {
    const asked = {
      q,
      fields: `nextPageToken,files(${fields})`,
      orderBy: 'createdTime',
      pageSize: perPage,
      ...(pageToken && { pageToken }),
    }
    const page = await call(signal, (sdk, options) => sdk.files.list(asked, options))
    if (!page.files) throw new AshevilleError('unavailable', 'Google Drive’s list is not what it should be')
    for (const file of page.files) {
      throwIfAborted(signal)
      yield file
    }
    pageToken = page.nextPageToken ?? undefined
  } while (pageToken !== undefined)
}

/** As it is written in a query. */
export function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

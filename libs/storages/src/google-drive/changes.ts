import { kindOf, type Changes } from '@asheville/core'
import type { drive_v3 } from '@googleapis/drive'
import { said, type Client } from './client.ts'
import { folderType } from './find.ts'
import type { Folders } from './folders.ts'
import { markOf } from './put-file.ts'

const fields = 'nextPageToken,newStartPageToken,changes(removed,file(name,mimeType,parents,trashed,appProperties))'

/** As `Storage.changes`. https://developers.google.com/workspace/drive/api/guides/manage-changes */
export async function changesSince({ call }: Client, folders: Folders, since: string | null, signal: AbortSignal): Promise<Changes> {
  const latest = async (): Promise<Changes> => {
    const { startPageToken } = await call(signal, (sdk, options) => sdk.changes.getStartPageToken({}, options))
    return { paths: 'all', cursor: said(startPageToken) }
  }
  if (since === null) return latest()
  const told: drive_v3.Schema$Change[] = []
  try {
    for (let pageToken = since; ;) {
      const page = await call(signal, (sdk, options) => sdk.changes.list({ pageToken, fields, pageSize: 1000 }, options))
      told.push(...(page.changes ?? []))
      if (!page.nextPageToken) {
        const paths = told.length === 0 ? [] : await pathsOf(told, folders, signal)
        return { paths, cursor: said(page.newStartPageToken) }
      }
      pageToken = page.nextPageToken
    }
  } catch (error) {
    // No token of theirs, whatever the reason: it is of no use any more.
    if (!['invalid', 'not-found'].includes(kindOf(error))) throw error
    return latest()
  }
}

/** Where something went away or to another place, it is not told where it was. */
async function pathsOf(changes: readonly drive_v3.Schema$Change[], folders: Folders, signal: AbortSignal): Promise<Changes['paths']> {
  const paths = new Set<string>()
  const known = await folders.below([], signal)
  for (const { removed, file } of changes) {
    if (removed || !file || file.trashed || file.mimeType === folderType) return 'all'
    const folder = known.get(file.parents?.[0] ?? '')
    const path = folder ? `${folder}/${file.name ?? ''}` : (file.name ?? '')
    if (folder === undefined || file.appProperties?.['path'] !== markOf(path)) return 'all'
    paths.add(path)
  }
  return [...paths]
}

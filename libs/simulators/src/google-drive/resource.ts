import type { Drive } from './drive.ts'
import type { DriveFile } from './types.ts'

const iso = (at: number) => new Date(at).toISOString()

/** A file as https://developers.google.com/workspace/drive/api/reference/rest/v3/files#File has it. Sizes are texts. */
export function resourceOf(drive: Drive, file: DriveFile, tellsSha256: boolean): Record<string, unknown> {
  const head = file.revisions.at(-1)
  return {
    kind: 'drive#file',
    id: file.id,
    name: file.name,
    mimeType: file.mimeType,
    trashed: drive.isTrashed(file),
    explicitlyTrashed: file.isTrashed,
    parents: file.parent === null ? [] : [file.parent],
    createdTime: iso(file.createdAt),
    modifiedTime: iso(file.modifiedAt),
    ownedByMe: true,
    spaces: ['drive'],
    ...(Object.keys(file.appProperties).length > 0 && { appProperties: file.appProperties }),
    ...(head && {
      size: String(head.data.length),
      headRevisionId: head.id,
      md5Checksum: head.md5,
      ...(tellsSha256 && { sha256Checksum: head.sha256 }),
      originalFilename: file.name,
    }),
  }
}

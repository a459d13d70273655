import type { Answer } from '../kit/index.ts'
import { jsonOf, selected, type Asked, type Settings } from './asked.ts'
import { folderType, type Drive } from './drive.ts'
import { Refusal, badRequest, invalid, notFound } from './errors.ts'
import { parseQuery } from './query.ts'
import { resourceOf } from './resource.ts'
import type { DriveFile } from './types.ts'

export const usualFields = 'kind,id,name,mimeType'

/** What the app may know of: with `drive.file`, what it has made. Everything else is not there. */
export function ours(drive: Drive, id: string): DriveFile {
  const file = drive.get(id)
  if (!file.isOurs) throw notFound(id)
  return file
}

/** Checks what a request says of a file, and fills in what it leaves open. */
export function metadataOf(drive: Drive, body: Record<string, unknown>) {
  const { name = 'Untitled', mimeType = 'application/octet-stream', parents = [drive.root], appProperties = {} } = body
  if (typeof name !== 'string' || typeof mimeType !== 'string') throw badRequest('Bad Request')
  if (!Array.isArray(parents) || parents.length !== 1 || typeof parents[0] !== 'string')
    throw new Refusal(400, 'multipleParentsNotSupported', 'A file must have exactly one parent.')
  const parent = parents[0] === 'root' ? drive.root : parents[0]
  if (!drive.hasFolder(parent)) throw notFound(parent)
  return { name, mimeType, parent, appProperties: propertiesOf(appProperties) }
}

function propertiesOf(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) throw invalid('appProperties')
  const properties = Object.entries(value as Record<string, unknown>).filter(([, one]) => one !== null)
  for (const [key, one] of properties)
    if (typeof one !== 'string' || Buffer.byteLength(key + one) > 124) throw new Refusal(400, 'propertyTooLong', 'A property is too long')
  return Object.fromEntries(properties) as Record<string, string>
}

/** https://developers.google.com/workspace/drive/api/reference/rest/v3/files */
export function createFileOperations({ pageSize, tellsSha256 }: Settings) {
  const shown = (drive: Drive, file: DriveFile) => resourceOf(drive, file, tellsSha256)

  function list(asked: Asked): Answer {
    const { call, drive } = asked
    const { query } = call
    const wanted = Number(query.get('pageSize') ?? 100)
    if (!Number.isInteger(wanted) || wanted < 1 || wanted > 1000) throw invalid('pageSize')
    const matches = parseQuery(query.get('q') ?? 'not trashed = false or trashed = false', {
      hasFolder: drive.hasFolder,
      isTrashed: drive.isTrashed,
      onNoFolder: () => {
        throw notFound('')
      },
    })
    const found = [...drive.files.values()].filter((file) => file.isOurs && matches(file))
    // In no order of which anything is said, unless one is asked for.
    if (query.get('orderBy') === 'createdTime') found.sort((one, two) => one.createdAt - two.createdAt)
    else if (query.has('orderBy')) throw invalid('orderBy')
    else found.reverse()
    const token = query.get('pageToken')
    const start = token === null ? 0 : Number(Buffer.from(token, 'base64url').toString())
    if (!Number.isInteger(start)) throw invalid('pageToken')
    const end = start + Math.min(wanted, pageSize)
    const more = end < found.length ? { nextPageToken: Buffer.from(String(end)).toString('base64url') } : {}
    const files = found.slice(start, end).map((file) => shown(drive, file))
    return selected(
      asked,
      { kind: 'drive#fileList', incompleteSearch: false, ...more, files },
      `kind,incompleteSearch,nextPageToken,files(${usualFields})`,
    )
  }

  function get(asked: Asked): Answer {
    const { call, drive } = asked
    const file = ours(drive, call.params.id!)
    if (call.query.get('alt') === 'media') return content(asked, file, file.revisions.at(-1)?.data)
    return selected(asked, shown(drive, file), usualFields)
  }

  /** https://developers.google.com/workspace/drive/api/reference/rest/v3/revisions/get */
  function getRevision(asked: Asked): Answer {
    const file = ours(asked.drive, asked.call.params.id!)
    const revision = file.revisions.find(({ id }) => id === asked.call.params.revision)
    if (!revision) throw new Refusal(404, 'notFound', `Revision not found: ${asked.call.params.revision}.`)
    if (asked.call.query.get('alt') === 'media') return content(asked, file, revision.data)
    const json = { kind: 'drive#revision', id: revision.id, size: String(revision.data.length), md5Checksum: revision.md5 }
    return selected(asked, json, 'kind,id')
  }

  function content({ call }: Asked, file: DriveFile, data: Buffer | undefined): Answer {
    if (!data) throw new Refusal(403, 'fileNotDownloadable', 'Only files with binary content can be downloaded.')
    const headers = { 'content-type': file.mimeType }
    const [, from, to = ''] = /^bytes=(\d+)-(\d*)$/.exec(call.headers.range ?? '') ?? []
    if (from === undefined) return { bytes: data, headers }
    const start = Number(from)
    const end = to === '' ? data.length - 1 : Math.min(Number(to), data.length - 1)
    if (start >= data.length) throw new Refusal(416, 'requestedRangeNotSatisfiable', 'Request range not satisfiable')
    return {
      status: 206,
      bytes: data.subarray(start, end + 1),
      headers: { ...headers, 'content-range': `bytes ${start}-${end}/${data.length}` },
    }
  }

  /** Without content: a folder, or an empty file. */
  function create(asked: Asked): Answer {
    const { call, drive } = asked
    const wanted = metadataOf(drive, jsonOf(call.body))
    const file = drive.create(wanted, wanted.mimeType === folderType ? null : Buffer.alloc(0))
    return selected(asked, shown(drive, file), usualFields)
  }

  function update(asked: Asked): Answer {
    const { call, drive } = asked
    const file = ours(drive, call.params.id!)
    const body = jsonOf(call.body)
    if (typeof body['name'] === 'string') file.name = body['name']
    if (typeof body['trashed'] === 'boolean') file.isTrashed = body['trashed']
    if ('appProperties' in body) file.appProperties = { ...file.appProperties, ...propertiesOf(body['appProperties']) }
    const parent = call.query.get('addParents')
    if (parent !== null) file.parent = ours(drive, parent).id
    drive.note(file.id)
    return selected(asked, shown(drive, file), usualFields)
  }

  function remove({ call, drive }: Asked): Answer {
    drive.remove(ours(drive, call.params.id!))
    return { status: 204 }
  }

  /** The last one that is left cannot be deleted. */
  function removeRevision({ call, drive }: Asked): Answer {
    const file = ours(drive, call.params.id!)
    const at = file.revisions.findIndex(({ id }) => id === call.params.revision)
    if (at === -1) throw new Refusal(404, 'notFound', `Revision not found: ${call.params.revision}.`)
    if (file.revisions.length === 1)
      throw new Refusal(400, 'cannotDeleteOnlyRevision', 'The last remaining revision of a file cannot be deleted.')
    file.revisions.splice(at, 1)
    drive.note(file.id)
    return { status: 204 }
  }

  /** https://developers.google.com/workspace/drive/api/reference/rest/v3/about/get */
  function about(asked: Asked): Answer {
    const { call, drive, account } = asked
    if (!call.query.has('fields'))
      throw new Refusal(400, 'required', "The 'fields' parameter is required for this method.", {
        locationType: 'parameter',
        location: 'fields',
      })
    const usage = String(drive.usage())
    const limit = Number.isFinite(drive.limit()) ? { limit: String(drive.limit()) } : {}
    const shownName = account.name.charAt(0).toUpperCase() + account.name.slice(1)
    const user = {
      kind: 'drive#user',
      displayName: `${shownName} Example`,
      me: true,
      permissionId: account.id,
      emailAddress: account.email,
    }
    return selected(
      asked,
      { kind: 'drive#about', user, storageQuota: { ...limit, usage, usageInDrive: usage, usageInDriveTrash: '0' } },
      '*',
    )
  }

  /** https://developers.google.com/workspace/drive/api/guides/manage-changes */
  function startPageToken(asked: Asked): Answer {
    return selected(asked, { kind: 'drive#startPageToken', startPageToken: String(asked.drive.changes.length + 1) }, '*')
  }

  /** Of each file the newest change alone. */
  function changes(asked: Asked): Answer {
    const { call, drive } = asked
    const token = call.query.get('pageToken') ?? ''
    const wanted = Math.min(Number(call.query.get('pageSize') ?? 100), pageSize)
    const since = Number(token)
    if (!/^\d+$/.test(token) || since < 1 || since > drive.changes.length + 1) throw invalid('pageToken')
    const page = drive.changes.slice(since - 1, since - 1 + wanted)
    const next = since + page.length
    const isLatest = (fileId: string, index: number) => !drive.changes.slice(since + index).some((later) => later.fileId === fileId)
    const entries = page
      .filter(({ fileId }, index) => isLatest(fileId, index) && (drive.files.get(fileId)?.isOurs ?? true))
      .map(({ fileId, at, isRemoved }) => {
        const file = drive.files.get(fileId)
        return {
          kind: 'drive#change',
          changeType: 'file',
          time: new Date(at).toISOString(),
          removed: isRemoved || file === undefined,
          fileId,
          ...(file && { file: shown(drive, file) }),
        }
      })
    const end = next > drive.changes.length ? { newStartPageToken: String(next) } : { nextPageToken: String(next) }
    return selected(asked, { kind: 'drive#changeList', changes: entries, ...end }, '*')
  }

  return { list, get, getRevision, create, update, remove, removeRevision, about, startPageToken, changes, shown }
}
export type FileOperations = ReturnType<typeof createFileOperations>

import type { Answer, Call } from '../kit/index.ts'
import {
  anything,
  contentHash,
  flag,
  nullable,
  optional,
  readPath,
  required,
  rev,
  struct,
  timestamp,
  union,
  writePath,
} from './arguments.ts'
import { sliceOf } from './content.ts'
import type { Content } from './content.ts'
import { lockHeld } from './endpoint.ts'
import { EndpointError } from './errors.ts'
import { fileAt, lookUp } from './lookup.ts'
import { fileMetadata, taggedMetadata } from './metadata.ts'
import { isBelow, parsePath } from './paths.ts'
import type { RouteParts } from './routes.ts'
import type { Commit, FileNode, Written } from './tree.ts'
import type { Tagged } from './types.ts'
import type { Place } from './world.ts'

const scope = 'files.content.write'
const commitFields = {
  path: required(writePath),
  mode: optional(union(['add', 'overwrite'], { update: rev }), { '.tag': 'add' } as Tagged),
  autorename: optional(flag, false),
  client_modified: nullable(timestamp),
  mute: optional(flag, false),
  property_groups: nullable(anything),
  strict_conflict: optional(flag, false),
}
export const readCommit = struct(commitFields)
export type CommitArg = ReturnType<typeof readCommit>

/** Carries out a `CommitInfo`. */
export function commitAs({ tree }: Place, arg: CommitArg, content: Content): Written<FileNode> {
  const commit: Commit = {
    path: arg.path,
    mode: arg.mode,
    autorename: arg.autorename,
    strictConflict: arg.strict_conflict,
    clientModified: arg.client_modified,
    content,
  }
  return tree.commit(commit)
}

const uploadArg = struct({ ...commitFields, content_hash: nullable(contentHash) })
const downloadArg = struct({ path: required(readPath), rev: nullable(rev) })
const deleteArg = struct({ path: required(writePath), parent_rev: nullable(rev) })
const createFolderArg = struct({ path: required(writePath), autorename: optional(flag, false) })

/** Upload, download, deletion, folders, moving and copying. */
export function addFileRoutes({ endpoint, sessions, settings }: RouteParts): void {
  const { commitMs, lockAnswer } = settings
  /** Runs a change under the lock; `tagged` is how the endpoint tells that it is held, where it does by its own error. */
  async function locked<T>(place: Place, tagged: () => Tagged, work: () => T): Promise<T> {
    const done = await place.lock.during(commitMs, work)
    if (done) return done.value
    throw lockAnswer === 'tagged' ? new EndpointError(tagged()) : lockHeld()
  }
  const held: Tagged = { '.tag': 'too_many_write_operations' }
  const heldAs = (tag: string) => (): Tagged => ({ '.tag': tag, [tag]: held })

  endpoint({
    name: 'files/upload',
    style: 'upload',
    scope,
    read: uploadArg,
    run: async ({ place, arg }, data) => {
      if (data.isTooLong) throw new EndpointError({ '.tag': 'payload_too_large' })
      if (arg.content_hash !== null && arg.content_hash !== data.hash) throw new EndpointError({ '.tag': 'content_hash_mismatch' })
      const failed = (reason: Tagged): Tagged => ({
        '.tag': 'path',
        reason,
        upload_session_id: sessions.keep(place.account.id, data).id,
      })
      const written = await locked(
        place,
        () => failed(held),
        () => commitAs(place, arg, data),
      )
      if ('fault' in written) throw new EndpointError(failed(written.fault))
      return fileMetadata(place.tree, written.node)
    },
  })

  endpoint({
    name: 'files/download',
    style: 'download',
    scope: 'files.content.read',
    read: downloadArg,
    run: ({ place, arg, call }) => {
      const node = fileAt(place, arg.rev === null ? arg.path : `rev:${arg.rev}`)
      return answerFile(call, node, JSON.stringify(fileMetadata(place.tree, node)))
    },
  })

  endpoint({
    name: 'files/delete_v2',
    style: 'rpc',
    scope,
    read: deleteArg,
    run: async ({ place, arg }) => {
      const removed = await place.lock.during(commitMs, () => {
        const result = lookUp(place, arg.path)
        if ('fault' in result) throw new EndpointError({ '.tag': 'path_lookup', path_lookup: result.fault })
        const { node } = result
        if (arg.parent_rev !== null && node.kind === 'folder')
          throw new EndpointError({ '.tag': 'path_lookup', path_lookup: { '.tag': 'not_file' } })
        if (arg.parent_rev !== null && node.kind === 'file' && node.rev !== arg.parent_rev)
          throw new EndpointError({ '.tag': 'path_write', path_write: { '.tag': 'conflict', conflict: { '.tag': 'file' } } })
        const metadata = taggedMetadata(place.tree, node)
        place.tree.remove(node)
        return metadata
      })
      if (!removed) throw new EndpointError({ '.tag': 'too_many_write_operations' })
      return { metadata: removed.value }
    },
  })

  endpoint({
    name: 'files/create_folder_v2',
    style: 'rpc',
    scope,
    read: createFolderArg,
    run: async ({ place, arg }) => {
      const written = await locked(place, heldAs('path'), () => place.tree.createFolder(arg.path, arg.autorename))
      if ('fault' in written) throw new EndpointError({ '.tag': 'path', path: written.fault })
      const { '.tag': _, ...metadata } = taggedMetadata(place.tree, written.node)
      return { metadata }
    },
  })

  const relocation = struct({
    from_path: required(writePath),
    to_path: required(writePath),
    allow_shared_folder: optional(flag, false),
    autorename: optional(flag, false),
    allow_ownership_transfer: optional(flag, false),
  })
  for (const name of ['files/move_v2', 'files/copy_v2']) {
    endpoint({
      name,
      style: 'rpc',
      scope,
      read: relocation,
      run: ({ place, arg }) =>
        locked(place, heldAs('to'), () => {
          const from = lookUp(place, arg.from_path)
          if ('fault' in from) throw new EndpointError({ '.tag': 'from_lookup', from_lookup: from.fault })
          const to = parsePath(arg.to_path)?.key ?? ''
          if (from.node.kind === 'folder' && isBelow(to, from.node.key)) throw new EndpointError({ '.tag': 'cant_move_folder_into_itself' })
          const written = place.tree.relocate(from.node, arg.to_path, arg.autorename, name === 'files/move_v2')
          if ('space' in written) throw new EndpointError({ '.tag': 'insufficient_quota' })
          if ('fault' in written) throw new EndpointError({ '.tag': 'to', to: written.fault })
          return { metadata: taggedMetadata(place.tree, written.node) }
        }),
    })
  }
}

/** A file, or the part of it that `Range` asks for. */
function answerFile(call: Call, node: FileNode, metadata: string): Answer {
  const { pieces, size } = node.content
  const etag = `W/"${node.rev}"`
  const headers = {
    'content-type': 'application/octet-stream',
    'dropbox-api-result': metadata.replace(/[\x7f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`),
    'accept-ranges': 'bytes',
    'original-content-length': String(size),
    etag,
  }
  if (call.headers['if-none-match'] === etag) return { status: 304, headers: { etag } }
  const range = rangeOf(call.headers.range, size)
  if (range === 'unsatisfiable')
    return { status: 416, headers: { 'content-range': `bytes */${size}` }, text: 'Requested range not satisfiable' }
  const [start, end] = range ?? [0, size]
  const body = async function* () {
    yield* sliceOf(pieces, start, end)
  }
  return {
    status: range ? 206 : 200,
    headers: range ? { ...headers, 'content-range': `bytes ${start}-${end - 1}/${size}` } : headers,
    stream: body(),
    length: end - start,
  }
}

/** One range of bytes (RFC 9110 §14), its end not included; null where there is none to be honoured. */
function rangeOf(header: string | undefined, size: number): [start: number, end: number] | 'unsatisfiable' | null {
  const found = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  if (!found || (found[1] === '' && found[2] === '')) return null
  const start = found[1] === '' ? Math.max(0, size - Number(found[2])) : Number(found[1])
  const end = found[1] === '' || found[2] === '' ? size : Math.min(size, Number(found[2]) + 1)
  return start >= size || start >= end ? 'unsatisfiable' : [start, end]
}

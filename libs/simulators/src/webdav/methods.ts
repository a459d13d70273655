import { sha256, type Answer, type Call } from '../kit/index.ts'
import { check, type Conditions } from './conditions.ts'
import { askedProperties, multistatus, problem, type Properties } from './multistatus.ts'
import { addressIn, hasParent, pathIn, type Space } from './space.ts'
import { etagOf, type FileNode, type Node } from './tree.ts'

export type MethodSettings = {
  heedsConditions: boolean
  putsWhole: boolean
  davExtra: string | null
  tellsEtagOfPut: boolean
  weakSeconds: number
  nextcloud: boolean
  now(): number
  isLocked(path: string): boolean
  count(name: string): void
}

const xml = (status: number, text: string): Answer => ({
  status,
  bytes: Buffer.from(text),
  headers: { 'content-type': 'application/xml; charset="utf-8"' },
})
const plain = (status: number, text: string): Answer => ({ status, text })

/** What RFC 4918 has a server do, by method. */
export function createMethods(settings: MethodSettings) {
  const { heedsConditions, putsWhole, davExtra, tellsEtagOfPut, weakSeconds, nextcloud, now, isLocked, count } = settings

  const etagNow = (file: FileNode): string => (now() - file.modified < weakSeconds * 1000 ? `W/${etagOf(file)}` : etagOf(file))

  function conditionOf(space: Space, call: Call, path: string, isRead: boolean): 'go' | 'failed' | 'not-modified' {
    if (!heedsConditions && !isRead) return 'go'
    const header = (name: string): string | null => {
      const value = call.headers[name]
      return typeof value === 'string' ? value : null
    }
    const conditions: Conditions = { ifMatch: header('if-match'), ifNoneMatch: header('if-none-match'), ifHeader: header('if') }
    const etagAt = (address: string): string | null => {
      const at = pathIn(space, address)
      const node = at === null ? null : space.tree.get(at)
      return node && (node.kind === 'file' ? etagNow(node) : '')
    }
    return check(addressIn(space, path), etagAt, conditions, isRead)
  }

  const failed = (): Answer => plain(412, 'Precondition Failed')
  const lockedAnswer = (): Answer => xml(423, problem('lock-token-submitted'))
  const full = (): Answer => xml(507, problem('quota-not-exceeded'))

  /** sabre/dav looks for what `If` is about, and does not find it. */
  const goneAnswer = (call: Call): Answer => (call.headers.if === undefined ? failed() : plain(404, 'Not Found'))

  function options(): Answer {
    const allow = 'OPTIONS, GET, HEAD, PUT, DELETE, MKCOL, MOVE, PROPFIND'
    return { status: 200, headers: { dav: ['1, 3', ...(davExtra === null ? [] : [davExtra])], allow, 'ms-author-via': 'DAV' } }
  }

  function get(space: Space, call: Call, path: string): Answer {
    const node = space.tree.get(path)
    if (!node) return plain(404, 'Not Found')
    if (node.kind === 'folder') return nextcloud ? plain(405, 'Method Not Allowed') : { status: 200, html: '<h1>Index</h1>' }
    const headers: Record<string, string> = {
      etag: etagNow(node),
      'last-modified': new Date(node.modified).toUTCString(),
      'accept-ranges': 'bytes',
      'content-type': 'application/octet-stream',
      ...(node.checksum !== null && { 'oc-checksum': node.checksum }),
    }
    const condition = conditionOf(space, call, path, true)
    if (condition === 'failed') return failed()
    if (condition === 'not-modified') return { status: 304, headers }
    const asked = rangeOf(call.headers.range, node.data.length)
    // A fault of sabre/dav (lib/DAV/CorePlugin.php), on which Nextcloud is built: an end of 0 counts as none.
    const range = nextcloud && asked?.end === 0 ? { ...asked, end: node.data.length - 1 } : asked
    if (range === null) return { status: 200, bytes: node.data, headers }
    const { start, end } = range
    const whole = node.data.length
    if (start >= whole) return { status: 416, headers: { 'content-range': `bytes */${whole}` } }
    return {
      status: 206,
      bytes: node.data.subarray(start, end + 1),
      headers: { ...headers, 'content-range': `bytes ${start}-${end}/${whole}` },
    }
  }

  async function put(space: Space, call: Call, path: string): Promise<Answer> {
    const { tree } = space
    const old = tree.get(path)
    if (old?.kind === 'folder') return plain(405, 'This is a collection')
    if (!hasParent(space, path)) return plain(409, 'The parent collection does not exist')
    if (isLocked(path)) return lockedAnswer()
    if (conditionOf(space, call, path, false) !== 'go') return old || !nextcloud ? failed() : goneAnswer(call)
    const promised = Number(call.headers['content-length'] ?? 0)
    if (!tree.fits(path, promised)) return full()
    const checksum = typeof call.headers['oc-checksum'] === 'string' ? call.headers['oc-checksum'] : null
    const pieces: Buffer[] = []
    for await (const piece of call.incoming ?? [call.body]) {
      pieces.push(piece)
      if (!putsWhole) tree.put(path, Buffer.concat(pieces))
    }
    const data = Buffer.concat(pieces)
    if (!tree.fits(path, data.length)) return full()
    if (conditionOf(space, call, path, false) !== 'go' && putsWhole) return failed()
    const file = tree.put(path, data, checksum)
    count('filesPut')
    const headers: Record<string, string> = {
      ...((tellsEtagOfPut || nextcloud) && { etag: etagNow(file) }),
      ...(nextcloud && { 'oc-etag': etagNow(file), 'oc-fileid': String(file.version).padStart(8, '0') }),
      // https://docs.nextcloud.com/server/latest/developer_manual/client_apis/WebDAV/basic.html#request-headers
      ...(nextcloud && call.headers['x-hash'] === 'sha256' && { 'x-hash-sha256': sha256(data) }),
    }
    return { status: old ? 204 : 201, headers }
  }

  function makeFolder(space: Space, call: Call, path: string): Answer {
    if (space.tree.get(path)) return plain(405, 'It exists')
    if (!hasParent(space, path)) return plain(409, 'The parent collection does not exist')
    if (call.body.length > 0) return plain(415, 'No bodies are understood here')
    space.tree.makeFolder(path)
    return { status: 201 }
  }

  function remove(space: Space, call: Call, path: string): Answer {
    if (!space.tree.get(path)) return plain(404, 'Not Found')
    if (path === '') return plain(403, 'The root stays')
    if (isLocked(path)) return lockedAnswer()
    if (conditionOf(space, call, path, false) !== 'go') return failed()
    space.tree.remove(path)
    return { status: 204 }
  }

  function move(space: Space, call: Call, path: string): Answer {
    const { tree } = space
    const destination = typeof call.headers.destination === 'string' ? pathIn(space, call.headers.destination) : null
    if (destination === null) return plain(400, 'No proper Destination')
    const node = tree.get(path)
    if (!node) return plain(404, 'Not Found')
    if (!hasParent(space, destination)) return plain(409, 'The parent collection does not exist')
    const old = tree.get(destination)
    if (old && old === node) return plain(403, 'Source and destination are the same')
    if (isLocked(path)) return lockedAnswer()
    const refusal = refuseReplacing(space, call, destination, path)
    if (refusal) return refusal
    if (old) tree.remove(destination)
    tree.move(path, destination)
    return { status: old ? 204 : 201 }
  }

  /** Why what is at the destination may not be replaced by what is at `path`; null: it may. */
  function refuseReplacing(space: Space, call: Call, destination: string, path = destination): Answer | null {
    if (isLocked(destination)) return lockedAnswer()
    if (heedsConditions && call.headers.overwrite === 'F' && space.tree.get(destination)) return failed()
    if (conditionOf(space, call, path, false) === 'go') return null
    return space.tree.get(destination) || !nextcloud ? failed() : goneAnswer(call)
  }

  function propfind(space: Space, call: Call, path: string): Answer {
    const node = space.tree.get(path)
    if (!node) return plain(404, 'Not Found')
    const depth = String(call.headers.depth ?? 'infinity')
    if (depth === 'infinity') return xml(403, problem('propfind-finite-depth'))
    if (depth !== '0' && depth !== '1') return plain(400, 'Depth is 0, 1 or infinity')
    const shown = depth === '0' || node.kind === 'file' ? [node] : [node, ...space.tree.children(path)]
    const resources = shown.map((each) => ({ href: hrefOf(space, each), properties: propertiesOf(space, each) }))
    return xml(207, multistatus(resources, askedProperties(call.body.toString('utf8'))))
  }

  function propertiesOf({ tree }: Space, node: Node): Properties {
    const modified = { '{DAV:}getlastmodified': { text: new Date(node.modified).toUTCString() } }
    if (node.kind === 'folder') {
      const available = tree.available()
      return {
        ...modified,
        '{DAV:}resourcetype': { xml: '<D:collection/>' },
        // RFC 4331. Nextcloud tells -3 where there is no limit.
        ...((available !== null || nextcloud) && {
          '{DAV:}quota-available-bytes': { text: String(available ?? -3) },
          '{DAV:}quota-used-bytes': { text: String(tree.used()) },
        }),
      }
    }
    return {
      ...modified,
      '{DAV:}resourcetype': { xml: '' },
      '{DAV:}getcontentlength': { text: String(node.data.length) },
      '{DAV:}getcontenttype': { text: 'application/octet-stream' },
      '{DAV:}getetag': { text: etagNow(node) },
    }
  }

  return { options, get, put, makeFolder, remove, move, propfind, refuseReplacing }
}
export type Methods = ReturnType<typeof createMethods>

const hrefOf = (space: Space, node: Node): string => addressIn(space, node.path) + (node.kind === 'folder' ? '/' : '')

/** One range, as all that is understood here; null: none was asked for. */
function rangeOf(header: string | undefined, length: number): { start: number; end: number } | null {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? []
  if (from === '' && to === '') return null
  if (from === '') return { start: Math.max(0, length - Number(to)), end: length - 1 }
  return { start: Number(from), end: to === '' ? length - 1 : Math.min(Number(to), length - 1) }
}

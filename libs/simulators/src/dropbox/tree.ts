import { createRandom } from '../kit/index.ts'
import type { Content } from './content.ts'
import { ancestorsOf, isBelow, nameFault, parentOf, parsePath, withSuffix } from './paths.ts'
import type { Path } from './paths.ts'
import type { Tagged } from './types.ts'

export type FileNode = {
  kind: 'file'
  key: string
  name: string
  id: string
  rev: string
  content: Content
  clientModified: number
  serverModified: number
}
export type FolderNode = { kind: 'folder'; key: string; name: string; id: string }
export type Node = FileNode | FolderNode
/** One change; `wasFolder` where what went was one, so that all that was in it went too. */
export type Change = { key: string; path: string; name: string; kind: 'put' | 'gone'; wasFolder: boolean }
export type Commit = {
  path: string
  mode: Tagged
  autorename: boolean
  strictConflict: boolean
  clientModified: number | null
  content: Content
}
/** A node, or why it could not be written (a `WriteError`). */
export type Written<N extends Node> = { node: N } | { fault: Tagged }

/** How many bytes of contents that were overwritten or deleted can still be had by `rev:`. */
const keptRevisionBytes = 64 * 1024 * 1024

export const malformed: Tagged = { '.tag': 'malformed_path', malformed_path: null }
const conflict = (tag: string): { fault: Tagged } => ({ fault: { '.tag': 'conflict', conflict: { '.tag': tag } } })

/** What one account's app folder (or Dropbox) holds. Times in milliseconds. */
export function createTree(seed: string, quotaBytes: number, now: () => number) {
  const random = createRandom(seed, 'tree')
  const nodes = new Map<string, Node>()
  const byId = new Map<string, Node>()
  const children = new Map<string, Set<string>>([['', new Set()]])
  const changes: Change[] = []
  const latestChange = new Map<string, number>()
  const latestRemoval = new Map<string, number>()
  const revisions = new Map<string, FileNode>()
  const superseded: FileNode[] = []
  const writes = new Map<string, number>()
  const waiting = new Set<() => void>()
  let [fileBytes, otherBytes, supersededBytes, revisionCount] = [0, 0, 0, 0]
  let allocated = quotaBytes
  /** The newest list, which the pages of one listing share. */
  let listed: { of: string; nodes: Node[] } | null = null

  const newId = () => `id:${random.hex(11)}`
  const newRev = () => `${(++revisionCount).toString(16).padStart(5, '0')}${random.hex(8)}`

  /** The path as shown: each part in the letters under which it was first saved. */
  function displayOf(node: { key: string; name: string }): string {
    const above = [...ancestorsOf(node.key)].filter((key) => key !== '').reverse()
    return [...above.map((key) => nodes.get(key)?.name ?? key.slice(key.lastIndexOf('/') + 1)), node.name]
      .map((name) => `/${name}`)
      .join('')
  }

  function note(node: Node, kind: Change['kind'], path = displayOf(node)) {
    changes.push({ key: node.key, path, name: node.name, kind, wasFolder: node.kind === 'folder' })
    latestChange.set(node.key, changes.length)
    if (kind === 'gone') latestRemoval.set(node.key, changes.length)
    for (const wake of [...waiting]) wake()
  }

  function keepRevision(node: FileNode) {
    superseded.push({ ...node })
    revisions.set(node.rev, superseded.at(-1)!)
    supersededBytes += node.content.size
    while (supersededBytes > keptRevisionBytes && superseded.length > 0) {
      const dropped = superseded.shift()!
      supersededBytes -= dropped.content.size
      revisions.delete(dropped.rev)
    }
  }

  function attach(node: Node) {
    nodes.set(node.key, node)
    byId.set(node.id, node)
    children.get(parentOf(node.key))!.add(node.key)
    if (node.kind === 'folder') children.set(node.key, children.get(node.key) ?? new Set())
    else {
      fileBytes += node.content.size
      revisions.set(node.rev, node)
    }
    note(node, 'put')
  }

  function detach(node: Node) {
    if (node.kind === 'folder') {
      for (const key of children.get(node.key)!) detach(nodes.get(key)!)
      children.delete(node.key)
    } else {
      fileBytes -= node.content.size
      keepRevision(node)
    }
    nodes.delete(node.key)
    byId.delete(node.id)
    children.get(parentOf(node.key))?.delete(node.key)
  }

  function folderAbove(path: Path): { fault: Tagged } | null {
    return [...ancestorsOf(path.key)].some((key) => nodes.get(key)?.kind === 'file') ? conflict('file_ancestor') : null
  }

  function makeParents({ key, names }: Path) {
    const missing = [...ancestorsOf(key)].filter((above) => above !== '' && !nodes.has(above)).reverse()
    for (const above of missing) {
      attach({ kind: 'folder', key: above, name: names[above.split('/').length - 2]!, id: newId() })
    }
  }

  /** Normal form, or why nothing may be written there. */
  function writable(given: string): { path: Path } | { fault: Tagged } {
    const path = parsePath(given.startsWith('id:') ? pathOfId(given) : given)
    if (!path || path.key === '') return { fault: malformed }
    const fault = nameFault(path)
    if (fault) return { fault }
    return folderAbove(path) ?? { path }
  }

  function pathOfId(id: string): string {
    const node = byId.get(id)
    return node ? displayOf(node) : id
  }

  function freeSibling(path: Path, suffixOf: (attempt: number) => string): Path {
    for (let attempt = 1; ; attempt++) {
      const name = withSuffix(path.names.at(-1)!, suffixOf(attempt))
      const sibling = parsePath(`/${[...path.names.slice(0, -1), name].join('/')}`)!
      if (!nodes.has(sibling.key)) return sibling
    }
  }
  const numbered = (attempt: number) => ` (${attempt})`
  const conflicted = (attempt: number) => ` (conflicted copy${attempt === 1 ? '' : ` ${attempt}`})`

  /** Saves a file as `CommitInfo` says. */
  function commit(wanted: Commit): Written<FileNode> {
    const target = writable(wanted.path)
    if ('fault' in target) return target
    const there = nodes.get(target.path.key)
    const isSame = there?.kind === 'file' && there.content.hash === wanted.content.hash
    const mode = wanted.mode['.tag']
    if (there?.kind === 'file' && isSame && !wanted.strictConflict && mode !== 'overwrite') return { node: there }
    const isStale = mode === 'update' && (there ? there.kind === 'file' && there.rev !== wanted.mode.update : wanted.strictConflict)
    if (there?.kind === 'folder' || isStale || (there && mode === 'add')) {
      if (!wanted.autorename) return conflict(there?.kind ?? 'file')
      return save(freeSibling(target.path, mode === 'update' ? conflicted : numbered), wanted, null)
    }
    const isUntouched = isSame && (wanted.clientModified === null || wanted.clientModified === there?.clientModified)
    return isUntouched ? { node: there } : save(target.path, wanted, there ?? null)
  }

  function save(path: Path, wanted: Pick<Commit, 'content' | 'clientModified'>, old: FileNode | null): Written<FileNode> {
    const { content } = wanted
    if (content.size - (old?.content.size ?? 0) > allocated - fileBytes - otherBytes) return { fault: { '.tag': 'insufficient_space' } }
    makeParents(path)
    if (old) {
      fileBytes -= old.content.size
      keepRevision(old)
    }
    const at = Math.floor(now() / 1000) * 1000
    const name = old?.name ?? path.names.at(-1)!
    const node: FileNode = {
      kind: 'file',
      key: path.key,
      name,
      id: old?.id ?? newId(),
      rev: newRev(),
      content,
      clientModified: wanted.clientModified ?? at,
      serverModified: at,
    }
    attach(node)
    writes.set(displayOf(node), (writes.get(displayOf(node)) ?? 0) + 1)
    return { node }
  }

  function createFolder(given: string, autorename: boolean): Written<FolderNode> {
    const target = writable(given)
    if ('fault' in target) return target
    const there = nodes.get(target.path.key)
    if (there && !autorename) return conflict(there.kind)
    const path = there ? freeSibling(target.path, numbered) : target.path
    makeParents(path)
    const node: FolderNode = { kind: 'folder', key: path.key, name: path.names.at(-1)!, id: newId() }
    attach(node)
    return { node }
  }

  /** Removes a file or a folder with all that is in it: one change. */
  function remove(node: Node) {
    const path = displayOf(node)
    detach(node)
    note(node, 'gone', path)
  }

  /** All nodes in and below a folder, parents first. */
  function below(folder: string): Node[] {
    return [...(children.get(folder) ?? [])].flatMap((key) => {
      const node = nodes.get(key)!
      return node.kind === 'folder' ? [node, ...below(key)] : [node]
    })
  }

  /** Copies, or with `isMove` moves; the ids move along. */
  function relocate(from: Node, given: string, autorename: boolean, isMove: boolean): Written<Node> | { space: true } {
    const target = writable(given)
    if ('fault' in target) return target
    const there = nodes.get(target.path.key)
    if (there && (!autorename || there === from)) return conflict(there.kind)
    const path = there ? freeSibling(target.path, numbered) : target.path
    const all = from.kind === 'folder' ? [from, ...below(from.key)] : [from]
    const bytes = all.reduce((sum, node) => sum + (node.kind === 'file' ? node.content.size : 0), 0)
    if (!isMove && bytes > allocated - fileBytes - otherBytes) return { space: true }
    if (isMove) remove(from)
    makeParents(path)
    for (const node of all) {
      const isTop = node === from
      const key = path.key + node.key.slice(from.key.length)
      const id = isMove ? node.id : newId()
      attach({ ...node, key, id, name: isTop ? path.names.at(-1)! : node.name, ...(node.kind === 'file' && { rev: newRev() }) })
    }
    return { node: nodes.get(path.key)! }
  }

  return {
    commit,
    createFolder,
    remove,
    relocate,
    displayOf,
    get: (key: string): Node | null => nodes.get(key) ?? null,
    byId: (id: string): Node | null => byId.get(id) ?? null,
    byRev: (rev: string): FileNode | null => revisions.get(rev) ?? null,
    hasFolder: (key: string) => key === '' || nodes.get(key)?.kind === 'folder',
    /** Nodes directly in a folder, or all below it, in the order of their keys. */
    list(folder: string, isRecursive: boolean): readonly Node[] {
      const of = `${changes.length} ${isRecursive} ${folder}`
      if (listed?.of === of) return listed.nodes
      const found = isRecursive ? below(folder) : [...(children.get(folder) ?? [])].map((key) => nodes.get(key)!)
      listed = { of, nodes: found.sort((a, b) => (a.key < b.key ? -1 : 1)) }
      return listed.nodes
    },
    /** Paths that held something once, in a folder or below it, and nothing now. */
    deleted(folder: string, isRecursive: boolean): Change[] {
      return [...latestRemoval]
        .map(([key, number]) => ({ change: changes[number - 1]!, key }))
        .filter(({ key }) => !nodes.has(key) && (isRecursive ? isBelow(key, folder) : parentOf(key) === folder))
        .map(({ change }) => change)
    },
    changes: changes as readonly Change[],
    changeCount: () => changes.length,
    /** Whether change number `number` (from 1) still says something about its path. */
    isCurrent(number: number): boolean {
      const change = changes[number - 1]!
      for (const above of ancestorsOf(change.key)) if ((latestRemoval.get(above) ?? 0) > number) return false
      const isLatest = latestChange.get(change.key) === number
      return change.kind === 'put' ? isLatest : isLatest || (change.wasFolder && latestRemoval.get(change.key) === number)
    },
    /** The newest change that took away this folder or one above it, or 0. */
    lastRemovalOf(folder: string): number {
      return Math.max(0, ...[folder, ...ancestorsOf(folder)].map((key) => latestRemoval.get(key) ?? 0))
    },
    /** Calls `wake` at the next change; returns how to stop. */
    onChange(wake: () => void): () => void {
      waiting.add(wake)
      return () => void waiting.delete(wake)
    },
    space: () => ({ used: fileBytes + otherBytes, allocated }),
    setQuota: (bytes: number) => void (allocated = bytes),
    /** How many bytes of the quota other things of the person take. */
    setOther: (bytes: number) => void (otherBytes = bytes),
    writes: () => Object.fromEntries(writes),
  }
}
export type Tree = ReturnType<typeof createTree>

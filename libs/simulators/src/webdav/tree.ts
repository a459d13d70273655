import { sha256 } from '../kit/index.ts'
import type { TrueFile } from './types.ts'

export type FolderNode = { kind: 'folder'; path: string; modified: number }
export type FileNode = { kind: 'file'; path: string; data: Buffer; version: number; modified: number; checksum: string | null }
export type Node = FolderNode | FileNode

/** Paths are the decoded parts joined with `/`; the root is `''`. */
export type TreeOptions = {
  foldsNames: boolean
  quotaBytes: number | null
  now(): number
}
export type Watcher = { put?: ((path: string, data: Buffer) => void) | undefined; remove?: ((path: string) => void) | undefined }

export const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')))
export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/** What one account holds. Nothing is checked here but the space: who may do what is the protocol's. */
export function createTree({ foldsNames, quotaBytes, now }: TreeOptions) {
  const nodes = new Map<string, Node>()
  let versions = 0
  let watcher: Watcher = {}
  let reserved = 0
  const keyOf = (path: string): string => (foldsNames ? path.normalize('NFC').toLowerCase() : path)
  const root: FolderNode = { kind: 'folder', path: '', modified: now() }
  nodes.set('', root)

  const used = (): number => [...nodes.values()].reduce((sum, node) => (node.kind === 'file' ? sum + node.data.length : sum), 0)
  const isBelow = (path: string, folder: string): boolean => folder === '' || keyOf(path).startsWith(`${keyOf(folder)}/`)

  const tree = {
    get: (path: string): Node | null => nodes.get(keyOf(path)) ?? null,
    used,
    /** Null: it is not told. */
    available: (): number | null => (quotaBytes === null ? null : Math.max(0, quotaBytes - reserved - used())),
    /** What else takes up space. */
    reserve: (bytes: number): void => void (reserved = bytes),
    /** Whether so many bytes more fit, where what is at `path` goes. */
    fits(path: string, bytes: number): boolean {
      const available = tree.available()
      const node = tree.get(path)
      return available === null || bytes <= available + (node?.kind === 'file' ? node.data.length : 0)
    },
    /** Keeps the name that a file had, where names that look alike are one. */
    put(path: string, data: Buffer, checksum: string | null = null): FileNode {
      const known = tree.get(path)
      const node: FileNode = { kind: 'file', path: known?.path ?? path, data, version: ++versions, modified: now(), checksum }
      nodes.set(keyOf(path), node)
      watcher.put?.(node.path, data)
      return node
    },
    makeFolder(path: string): void {
      nodes.set(keyOf(path), { kind: 'folder', path, modified: now() })
    },
    remove(path: string): void {
      const node = tree.get(path)
      if (!node) return
      for (const below of tree.below(path)) nodes.delete(keyOf(below.path))
      nodes.delete(keyOf(path))
      watcher.remove?.(node.path)
    },
    onChange: (next: Watcher): void => void (watcher = next),
    /** Everything below, at any depth. */
    below: (path: string): Node[] =>
      [...nodes.values()].filter((node) => node.path !== '' && isBelow(node.path, path) && node.path !== path),
    children: (path: string): Node[] => tree.below(path).filter((node) => keyOf(parentOf(node.path)) === keyOf(path)),
    /** The same file under another name, or a folder with all that is in it. */
    move(from: string, to: string): void {
      const node = tree.get(from)
      if (!node) return
      const moved = [node, ...tree.below(from)]
      for (const each of moved) nodes.delete(keyOf(each.path))
      watcher.remove?.(node.path)
      for (const each of moved) {
        const path = to + each.path.slice(node.path.length)
        nodes.set(keyOf(path), { ...each, path })
        if (each.kind === 'file') watcher.put?.(path, each.data)
      }
    },
    truth() {
      const all = [...nodes.values()].filter(({ path }) => path !== '')
      const files = all.filter((node): node is FileNode => node.kind === 'file')
      return {
        used: used(),
        folders: all.flatMap(({ kind, path }) => (kind === 'folder' ? [path] : [])).sort(),
        files: files
          .map((node): TrueFile => ({ path: node.path, bytes: node.data.length, sha256: sha256(node.data), etag: etagOf(node) }))
          .sort((one, other) => (one.path < other.path ? -1 : 1)),
      }
    },
  }
  return tree
}
export type Tree = ReturnType<typeof createTree>

/** Opaque, and strong (RFC 9110 §8.8.3). */
export const etagOf = ({ version, data }: FileNode): string => `"${version.toString(16)}-${data.length.toString(16)}"`

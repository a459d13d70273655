import { AshevilleError } from '@asheville/core'
import { ifCid, type Cid } from '@atproto/lex-data'
import type { CarFile } from './car-file.ts'

/** What stands in a repository's tree, in the order of the keys; a `gap` is a subtree that the file does not have. */
export type TreeEntry = { kind: 'record'; key: string; cid: Cid } | { kind: 'gap' }

interface Node {
  left: Cid | null
  entries: { key: string; cid: Cid; right: Cid | null }[]
}

/**
 * Walks a repository's Merkle search tree (https://atproto.com/specs/repository#mst-structure) in key order, beginning
 * behind the key `after`. A repository since a revision holds only what changed: what it lacks is a gap, unchanged.
 */
export function* treeEntries(car: CarFile, root: Cid, after: string | null): Generator<TreeEntry> {
  const block = car.block(root)
  if (block === null) {
    yield { kind: 'gap' }
    return
  }
  const node = nodeOf(block)
  const isDone = (key: string | undefined) => after !== null && key !== undefined && key <= after
  if (node.left && !isDone(node.entries[0]?.key)) yield* treeEntries(car, node.left, after)
  for (const [position, { key, cid, right }] of node.entries.entries()) {
    if (!isDone(key)) yield { kind: 'record', key, cid }
    if (right && !isDone(node.entries[position + 1]?.key)) yield* treeEntries(car, right, after)
  }
}

function nodeOf(block: unknown): Node {
  const { l, e } = block as { l?: unknown; e?: { p?: unknown; k?: unknown; v?: unknown; t?: unknown }[] }
  if (!Array.isArray(e)) throw damaged()
  let previous = ''
  const entries = e.map(({ p, k, v, t }) => {
    const cid = ifCid(v)
    if (typeof p !== 'number' || !(k instanceof Uint8Array) || !cid) throw damaged()
    const key = previous.slice(0, p) + Buffer.from(k).toString('latin1')
    // Keys are plain ASCII (https://atproto.com/specs/record-key), so string order is byte order.
    if (key <= previous || !/^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._:~-]+$/.test(key)) throw damaged()
    previous = key
    return { key, cid, right: ifCid(t) }
  })
  return { left: ifCid(l), entries }
}

function damaged(): AshevilleError {
  return new AshevilleError('unavailable', 'The server sent a damaged repository (its tree is not one)')
}

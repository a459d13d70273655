import { hash } from 'node:crypto'
import { decodeCid } from '@atproto/lex-data'
import type { Cid } from '@atproto/lex-data'
import { blockOf, cidBytes } from './cids.ts'
import type { Block } from './cids.ts'

/** A record's place in the tree: `collection/rkey`, and its CID. */
export type Leaf = { key: string; cid: Cid }
type Placed = Leaf & { layer: number }
type NodeEntry = { p: number; k: Uint8Array; v: Cid; t: Cid | null }

/**
 * Builds the Merkle search tree over any number of records at once, bottom up (atproto.com/specs/repository, MST Structure). The vendor's class
 * gives the same tree one record at a time, which takes minutes for 100,000. Returns the root and every node.
 */
export function buildMst(leaves: Leaf[]): { root: Cid; nodes: Block[] } {
  const placed = leaves.map((leaf): Placed => ({ ...leaf, layer: layerOf(leaf.key) })).sort((a, b) => (a.key < b.key ? -1 : 1))
  const top = placed.reduce((highest, { layer }) => Math.max(highest, layer), 0)
  const nodes: Block[] = []
  return { root: nodeOf(placed, 0, placed.length, top, nodes), nodes }
}

function nodeOf(placed: Placed[], start: number, end: number, layer: number, nodes: Block[]): Cid {
  const entries: NodeEntry[] = []
  let left: Cid | null = null
  let [from, last] = [start, '']
  for (let i = start; i <= end; i++) {
    const leaf = i < end ? placed[i]! : null
    if (leaf && leaf.layer < layer) continue
    if (i > from) {
      const below = nodeOf(placed, from, i, layer - 1, nodes)
      const before = entries.at(-1)
      if (before) before.t = below
      else left = below
    }
    if (leaf) {
      const shared = sharedLength(last, leaf.key)
      entries.push({ p: shared, k: Buffer.from(leaf.key.slice(shared), 'latin1'), v: leaf.cid, t: null })
      last = leaf.key
    }
    from = i + 1
  }
  const block = blockOf({ l: left, e: entries })
  nodes.push(block)
  return decodeCid(block.entry.subarray(0, cidBytes))
}

function sharedLength(a: string, b: string): number {
  let length = 0
  while (length < a.length && a[length] === b[length]) length++
  return length
}

/** How many pairs of zero bits the key's SHA-256 begins with. */
function layerOf(key: string): number {
  const digest = hash('sha256', key, 'buffer')
  const first = digest.findIndex((byte) => byte !== 0)
  return first === -1 ? digest.length * 4 : first * 4 + Math.floor((Math.clz32(digest[first]!) - 24) / 2)
}

import { Secp256k1Keypair } from '@atproto/crypto'
import type { Cid } from '@atproto/lex-data'
import { Repo, WriteOpAction, cborToLexRecord, getRecords, signCommit, writeCarStream } from '@atproto/repo'
import type { RecordDeleteOp, RecordWriteOp } from '@atproto/repo'
import { sha256 } from '../kit/index.ts'
import { BlockStore } from './block-store.ts'
import { blockOf } from './cids.ts'
import type { Block } from './cids.ts'
import { buildMst } from './mst.ts'
import { lowerBoundText } from './order.ts'
import { microsOf, tidOf } from './tid.ts'
import type { RecordValue, StoredRecord } from './types.ts'

export type NewRecord = { collection: string; rkey: string; value: RecordValue }
/** A record encoded once; generating many keeps only this of each. */
export type EncodedRecord = { collection: string; rkey: string; block: Block }
type Collection = { rkeys: string[]; cids: Map<string, string> }
const carChunkBytes = 65_536

/** One account's repository: signed commits over a Merkle search tree. Single writes go through the vendor's own library, one after the other. */
export async function createRepository(did: string, seed: string) {
  const keypair = await Secp256k1Keypair.import(sha256(`${seed}-key`))
  const store = new BlockStore()
  const collections = new Map<string, Collection>()
  let last: Promise<unknown> = Promise.resolve()

  const shelf = (name: string) => {
    const found: Collection = collections.get(name) ?? { rkeys: [], cids: new Map() }
    collections.set(name, found)
    return found
  }
  function remember(collection: string, rkey: string, cid: string | null) {
    const { rkeys, cids } = shelf(collection)
    const at = lowerBoundText(rkeys, rkey)
    if (cid === null) {
      cids.delete(rkey)
      rkeys.splice(at, 1)
      return
    }
    if (rkeys[at] !== rkey) rkeys.splice(at, 0, rkey)
    cids.set(rkey, cid)
  }
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = last.then(work)
    last = result.catch(() => undefined)
    return result
  }
  const isUsed = (cid: string) => [...collections.values()].some(({ cids }) => [...cids.values()].includes(cid))

  async function commitOne(write: RecordWriteOp, cid: string | null): Promise<void> {
    const repo = await Repo.load(store)
    const commit = await repo.formatCommit(write, keypair)
    remember(write.collection, write.rkey, cid)
    // Two records with the same content share a block: it stays while one of them does.
    for (const removed of commit.removedCids.toList()) if (isUsed(removed.toString())) commit.removedCids.delete(removed)
    await store.applyCommit(commit)
  }

  async function commitMany(records: EncodedRecord[], atLeast: number): Promise<void> {
    const rev = tidOf(Math.max(atLeast, store.isEmpty ? 0 : microsOf(store.head.rev) + 1))
    for (const { collection, rkey, block } of records) {
      const { cids } = shelf(collection)
      if (cids.has(rkey)) throw new Error(`${collection}/${rkey} is there already`)
      cids.set(rkey, block.cid)
      store.put(block, rev)
    }
    for (const part of collections.values()) part.rkeys = [...part.cids.keys()].sort()
    const kept = new Set<string>()
    const leaves: { key: string; cid: Cid }[] = []
    for (const [collection, { cids }] of collections) {
      for (const [rkey, cid] of cids) {
        kept.add(cid)
        leaves.push({ key: `${collection}/${rkey}`, cid: store.cid(cid) })
      }
    }
    const { root, nodes } = buildMst(leaves)
    const commit = blockOf(await signCommit({ did, version: 3, rev, prev: null, data: root }, keypair))
    for (const block of [...nodes, commit]) {
      store.put(block, rev)
      kept.add(block.cid)
    }
    store.setHead(commit.cid, rev)
    store.keepOnly(kept)
  }

  return {
    publicKey: keypair.did().replace('did:key:', ''),
    /** CID and revision of the newest commit. */
    head: () => store.head,
    /** Adds many records in one commit whose revision is not before `atLeast` (microseconds since 1970). */
    addMany: (records: EncodedRecord[], atLeast = 0) => inTurn(() => commitMany(records, atLeast)),
    /** Creates or replaces a record; one that says the same already makes no commit. */
    put: ({ collection, rkey, value }: NewRecord) =>
      inTurn(async () => {
        const old = collections.get(collection)?.cids.get(rkey)
        const { cid } = blockOf(value)
        if (old === cid) return
        const path = pathOf(collection, rkey)
        await commitOne(
          old ? { action: WriteOpAction.Update, ...path, record: value } : { action: WriteOpAction.Create, ...path, record: value },
          cid,
        )
      }),
    remove: (collection: string, rkey: string) =>
      inTurn(async () => {
        if (!collections.get(collection)?.cids.has(rkey)) throw new Error(`no record ${collection}/${rkey}`)
        await commitOne({ action: WriteOpAction.Delete, ...pathOf(collection, rkey) }, null)
      }),
    collections: () => [...collections].filter(([, { cids }]) => cids.size > 0).map(([collection]) => collection),
    count: (collection: string) => collections.get(collection)?.cids.size ?? 0,
    cid: (collection: string, rkey: string) => collections.get(collection)?.cids.get(rkey) ?? null,
    value(cid: string): RecordValue {
      const bytes = store.bytes(cid)
      if (!bytes) throw new Error(`no block ${cid}`)
      return cborToLexRecord(bytes)
    },
    /** A page of a collection by record key: newest first, or oldest first when `reverse`. */
    list(collection: string, { limit, cursor, reverse }: { limit: number; cursor: string | null; reverse: boolean }): StoredRecord[] {
      const { rkeys, cids } = collections.get(collection) ?? { rkeys: [], cids: new Map<string, string>() }
      const page = (keys: string[]) => keys.map((rkey) => ({ collection, rkey, cid: cids.get(rkey)! }))
      if (reverse) {
        const start = cursor === null ? 0 : lowerBoundText(rkeys, `${cursor}\0`)
        return page(rkeys.slice(start, start + limit))
      }
      const end = cursor === null ? rkeys.length : lowerBoundText(rkeys, cursor)
      return page(rkeys.slice(Math.max(0, end - limit), end).reverse())
    },
    /** CAR version 1 of everything, or of the blocks that came after a revision. */
    car: (since: string | null) => carOf(store, since),
    /** CAR with one record and the nodes that prove it. */
    recordCar: (collection: string, rkey: string) => getRecords(store, store.cid(store.head.cid), [{ collection, rkey }]),
  }
}
export type Repository = Awaited<ReturnType<typeof createRepository>>

/** The vendor's library types names of collections and keys; scripts may write any. */
function pathOf(collection: string, rkey: string): Pick<RecordDeleteOp, 'collection' | 'rkey'> {
  return { collection, rkey } as RecordDeleteOp
}

async function* carOf(store: BlockStore, since: string | null): AsyncIterable<Uint8Array> {
  async function* none() {}
  yield* writeCarStream(store.cid(store.head.cid), none())
  let parts: Uint8Array[] = []
  let length = 0
  for (const entry of store.entries(since)) {
    const prefix = varint(entry.length)
    parts.push(prefix, entry)
    length += prefix.length + entry.length
    if (length < carChunkBytes) continue
    yield Buffer.concat(parts)
    ;[parts, length] = [[], 0]
  }
  if (length > 0) yield Buffer.concat(parts)
}

/** An unsigned LEB128 number, the length of a block in a CAR file. */
function varint(value: number): Uint8Array {
  const bytes: number[] = []
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128)
  return Uint8Array.from([...bytes, value])
}

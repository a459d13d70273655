import { decodeCid } from '@atproto/lex-data'
import type { Cid } from '@atproto/lex-data'
import { BlockMap, ReadableBlockstore } from '@atproto/repo'
import type { CommitData, RepoStorage } from '@atproto/repo'
import { bytesOf, cidBytes } from './cids.ts'
import type { Block } from './cids.ts'

type Kept = { entry: Uint8Array; rev: string }

/**
 * A repository's blocks with the revision that each came with, as the reference server keeps them: a block that is there already keeps its
 * first revision, blocks that a commit drops are deleted. It is a class because the vendor's repository code wants its own.
 */
export class BlockStore extends ReadableBlockstore implements RepoStorage {
  private readonly blocks = new Map<string, Kept>()
  private root: { cid: string; rev: string } | null = null

  get head(): { cid: string; rev: string } {
    if (!this.root) throw new Error('empty repository')
    return this.root
  }
  get isEmpty(): boolean {
    return this.root === null
  }
  /** The bytes of a block, or null. */
  bytes(cid: string): Uint8Array | null {
    const found = this.blocks.get(cid)
    return found ? bytesOf(found.entry) : null
  }
  /** The CID object of a block that is here. */
  cid(text: string): Cid {
    return decodeCid(this.blocks.get(text)!.entry.subarray(0, cidBytes))
  }
  put({ cid, entry }: Block, rev: string): void {
    if (!this.blocks.has(cid)) this.blocks.set(cid, { entry, rev })
  }
  setHead(cid: string, rev: string): void {
    this.root = { cid, rev }
  }
  /** Deletes every block that is not named. */
  keepOnly(cids: Set<string>): void {
    for (const cid of this.blocks.keys()) if (!cids.has(cid)) this.blocks.delete(cid)
  }
  /** Entries newer than a revision (or all), newest revision first, then by falling CID: the reference server's order. */
  entries(since: string | null): Uint8Array[] {
    const wanted = [...this.blocks].filter(([, { rev }]) => since === null || rev > since)
    wanted.sort(([a, { rev: aRev }], [b, { rev: bRev }]) => (aRev === bRev ? (a < b ? 1 : -1) : aRev < bRev ? 1 : -1))
    return wanted.map(([, { entry }]) => entry)
  }

  async getRoot(): Promise<Cid | null> {
    return this.root && this.cid(this.root.cid)
  }
  async getBytes(cid: Cid): Promise<Uint8Array | null> {
    return this.bytes(cid.toString())
  }
  async has(cid: Cid): Promise<boolean> {
    return this.blocks.has(cid.toString())
  }
  async getBlocks(cids: Cid[]): Promise<{ blocks: BlockMap; missing: Cid[] }> {
    const blocks = new BlockMap()
    const missing: Cid[] = []
    for (const cid of cids) {
      const bytes = this.bytes(cid.toString())
      if (bytes) blocks.set(cid, bytes)
      else missing.push(cid)
    }
    return { blocks, missing }
  }
  async putBlock(cid: Cid, bytes: Uint8Array, rev: string): Promise<void> {
    this.put({ cid: cid.toString(), entry: Buffer.concat([cid.bytes, bytes]) }, rev)
  }
  async putMany(blocks: BlockMap, rev: string): Promise<void> {
    for (const [cid, bytes] of blocks) await this.putBlock(cid, bytes, rev)
  }
  async updateRoot(cid: Cid, rev: string): Promise<void> {
    this.setHead(cid.toString(), rev)
  }
  async applyCommit(commit: CommitData): Promise<void> {
    await this.updateRoot(commit.cid, commit.rev)
    await this.putMany(commit.newBlocks, commit.rev)
    for (const cid of commit.removedCids) this.blocks.delete(cid.toString())
  }
}

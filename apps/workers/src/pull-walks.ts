import type { AccessToken, Tally } from '@asheville/clients'
import { kindOf, type Cursor, type PullIo, type Stream, type Walk, type Wanted } from '@asheville/core'
import { inBatches, type BatchLimits } from './batches.ts'
import type { HeldLease } from './held-lease.ts'
import { prefetch } from './prefetch.ts'
import type { Ledger } from './ledger.ts'
import type { PlatformClient, Target } from './pull-parts.ts'
import { withinSlice, type Slice } from './slice.ts'
import { inTurn, type Turn } from './turns.ts'
import { storeBatch, type StoreParts } from './store-batch.ts'
import { withinReads, type Reads } from './within-reads.ts'

export interface PullParts extends StoreParts {
  platform: Pick<PlatformClient, 'putItems' | 'listPending'>
  stream: Stream
  io: PullIo
  target: Target
  lease: HeldLease
  ledger: Ledger
  token: AccessToken
  slice: Slice
  reads: Reads
  turn: Turn
  batchLimits: BatchLimits
  /** What the person wants of the stream. */
  wanted: Omit<Wanted, 'open'>
  onStored(tally: Tally, pages: number): void
}

/** People see news first; then the past is filled in; then it is looked through again. */
const order = ['incremental', 'backfill', 'recheck'] as const
/** So many walks are pulled at once. */
const sideBySide = 8

/** Adds the walks that this sync starts to the open ones. */
export async function planWalks(parts: PullParts, open: readonly Walk[]): Promise<Walk[]> {
  const planned = parts.wanted.contentTypes.length === 0 ? [] : await plan(parts, open)
  await parts.ledger.plan(planned, [])
  return [...open, ...planned]
}

async function plan(parts: PullParts, open: readonly Walk[]): Promise<Walk[]> {
  const { stream, wanted } = parts
  try {
    return await withRenewedToken(parts, (io) => stream.plan({ ...wanted, open }, io))
  } catch (error) {
    // The head is not understood any more.
    if (kindOf(error) !== 'cursor-expired') throw error
    return [fromNothing({ id: 'incremental', kind: 'incremental', range: wanted.range, cursor: null })]
  }
}

/**
 * Pulls the open walks: those of one kind side by side, as they are disjoint, the first planned first. Resolves to whether all are complete; else the
 * slice is over. When one fails, the others end with the page that they are at, and what they have is stored.
 */
export async function pullWalks(parts: PullParts, open: readonly Walk[]): Promise<boolean> {
  const left = new Set(open)
  for (const kind of order) {
    const waiting = open.filter((walk) => walk.kind === kind)
    const lane = async (isFirst: boolean): Promise<boolean> => {
      for (let walk = waiting.shift(); walk; walk = waiting.shift()) {
        if (!(await pullToEnd(parts, walk, left, isFirst))) return false
        left.delete(walk)
      }
      return true
    }
    const lanes = Array.from({ length: parts.reads.areBounded ? 1 : Math.min(sideBySide, waiting.length) }, (_, index) =>
      lane(index === 0).catch((error: unknown) => {
        parts.slice.end()
        throw error
      }),
    )
    const ends = await Promise.allSettled(lanes)
    await parts.reads.counted()
    for (const end of ends) if (end.status === 'rejected') throw end.reason
    if (!ends.every((end) => end.status === 'fulfilled' && end.value)) return false
  }
  return true
}

/** The walk, or what is planned instead of it when the network forgot its cursor. Resolves to whether that is complete. */
async function pullToEnd(parts: PullParts, walk: Walk, open: ReadonlySet<Walk>, isFirst: boolean): Promise<boolean> {
  let rest = [walk]
  let inVain = 0
  for (;;) {
    const [next] = rest
    if (!next) return true
    const progress: Progress = { cursor: next.cursor, stored: 0 }
    try {
      if (!(await pullWalk(parts, next, progress, isFirst))) return false
      rest = rest.slice(1)
    } catch (error) {
      if (kindOf(error) !== 'cursor-expired') throw error
      inVain = progress.stored > 0 ? 0 : inVain + 1
      if (inVain > 2) throw error
      const others = [...open].filter((other) => other !== walk)
      rest = [...(await replan(parts, next, [...others, ...rest.slice(1)], inVain)), ...rest.slice(1)]
    }
  }
}

interface Progress {
  /** As saved last. */
  cursor: Cursor | null
  /** How many batches were stored. */
  stored: number
}

/** Resolves to whether the walk is complete. */
async function pullWalk(parts: PullParts, walk: Walk, progress: Progress, isFirst: boolean): Promise<boolean> {
  const { reads, slice, batchLimits: limits } = parts
  // A person sees something soon by the first; of the others early batches would only be more writes.
  const batchLimits = isFirst ? limits : { ...limits, firstMs: limits.ms }
  return withRenewedToken(
    parts,
    async (io) => {
      const from: Walk = { ...walk, cursor: progress.cursor }
      let isComplete = false
      const pages = withinReads(parts.stream.pages(from, io), reads, isFirst)
      const inTime = withinSlice(inTurn(pages, walk.kind, parts.turn), slice)
      for await (const batch of prefetch(inBatches(inTime, walk.kind, batchLimits))) {
        const tally = await storeBatch(parts, walk, batch)
        parts.onStored(tally, batch.pages)
        progress.cursor = batch.cursor
        progress.stored += 1
        isComplete = batch.cursor === null
      }
      return isComplete
    },
    () => progress.stored,
  )
}

/**
 * When the network refuses the token, accounts is asked for another, once, and it goes on from where it was; once again
 * only if something was stored in between. Of several that were refused the same token one asks.
 */
async function withRenewedToken<T>({ token, io }: PullParts, pull: (io: PullIo) => Promise<T>, stored = () => 0): Promise<T> {
  let last: string | undefined
  const own: PullIo = { ...io, token: async () => (last = await token.get()) }
  let renewedAt = -1
  for (;;) {
    try {
      return await pull(own)
    } catch (error) {
      if (kindOf(error) !== 'reconnect-required' || renewedAt === stored() || !token.reject(last)) throw error
      renewedAt = stored()
    }
  }
}

/**
 * The walk's range anew, instead of the walk whose cursor the network forgot: an incremental one from the head, at first; any
 * other, and one that gets nowhere from the head either, from nothing.
 */
async function replan(parts: PullParts, walk: Walk, open: readonly Walk[], inVain: number): Promise<Walk[]> {
  const { stream, wanted, io } = parts
  const isFromHead = walk.kind === 'incremental' && wanted.head !== null && inVain < 2
  const planned = isFromHead ? await stream.plan({ ...wanted, range: walk.range, open }, io).catch(() => []) : []
  const fresh = planned.length > 0 ? planned : [fromNothing(walk)]
  await parts.ledger.plan(fresh, [walk.id])
  return fresh
}

/** All of the walk's range; an incremental one leaves a head at its end all the same. */
const fromNothing = (walk: Walk): Walk => ({ ...walk, cursor: null })

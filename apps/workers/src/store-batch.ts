import type { MediaState, Tally } from '@asheville/clients'
import { kindOf, type Covered, type PullIo, type SkippedItem, type Stream, type Walk, type Wanted } from '@asheville/core'
import type { Batch, Seen } from './batches.ts'
import type { HeldLease } from './held-lease.ts'
import type { Ledger } from './ledger.ts'
import type { MediaTransfer } from './media-transfer.ts'
import { ofStorage } from './of-storage.ts'
import type { PlatformClient, Target } from './pull-parts.ts'
import { wantedOf } from './wanted-of.ts'

export interface StoreParts {
  platform: Pick<PlatformClient, 'putItems'>
  media: MediaTransfer
  stream: Stream
  io: PullIo
  target: Target
  lease: HeldLease
  ledger: Pick<Ledger, 'checkpoint'>
  wanted: Pick<Wanted, 'contentTypes'>
}

/** As many as platform takes in one call. */
const mostItems = 5000
const mostSkipped = 20
/** Of what seems to be gone, so many are asked about before those that are confirmed are stored. */
const askedAtOnce = 20

/**
 * Stores a batch, unless there is a reason to stop, and then moves the walk's checkpoint: media, items, what is gone, checkpoint, in this order. Dying or
 * throwing anywhere in between is harmless: what was done is done again, to the same effect. Returns what it came to.
 */
export async function storeBatch(parts: StoreParts, walk: Walk, pulled: Batch): Promise<Tally> {
  const { lease, ledger } = parts
  lease.check()
  Object.assign(parts.target.account, pulled.account)
  const batch = wantedOf(pulled, parts.stream, parts.wanted.contentTypes)
  const wanted = batch.items.flatMap(({ item }) => item.media.map((source) => ({ source, at: item.at })))
  const states = wanted.length === 0 ? {} : await parts.media.transfer(wanted)

  const sum: Tally = { new: 0, changed: 0, unchanged: 0, gone: 0, skipped: 0 }
  const skipped: SkippedItem[] = [...batch.skipped]
  const missing: string[] = []
  const put = async (items: Seen[], gone: string[], covers: Covered[]) => {
    if (items.length === 0 && gone.length === 0 && covers.length === 0) return
    lease.check()
    const reply = await ofStorage(putItems(parts, items, gone, covers, states))
    sum.new += reply.new
    sum.changed += reply.changed
    sum.unchanged += reply.unchanged
    sum.gone += reply.gone
    skipped.push(...reply.skipped)
    missing.push(...reply.missing)
  }

  const portions = inPortions(batch.items)
  // What is covered can only be judged by all its items at once; beyond that size, deletions are left to a later walk.
  const covers = portions.length > 1 ? [] : batch.covers
  for (const portion of portions.slice(0, -1)) await put(portion, [], [])
  await put(portions.at(-1) ?? [], batch.gone, covers)
  await storeGone(parts, [...new Set(missing)], (gone) => put([], gone, []))

  sum.skipped = skipped.length
  const { cursor, head, pages, available } = batch
  const hasPendingMedia = Object.values(states).some(({ state }) => state === 'pending')
  await ledger.checkpoint(walk, {
    cursor,
    head,
    pages,
    available,
    tally: sum,
    skipped: skipped.slice(-mostSkipped).map(printable),
    hasPendingMedia,
  })
  return sum
}

/**
 * Nothing is marked as deleted that the network can be asked about and does not confirm. What is confirmed is stored portion by portion, so
 * that where the network's limit breaks it off, the next try has fewer to ask about. A try that would get nowhere by that leaves the
 * rest to a later walk, or it would never end.
 */
async function storeGone({ stream, io }: StoreParts, missing: string[], store: (gone: string[]) => Promise<void>): Promise<void> {
  if (!stream.gone) return store(missing)
  let confirmed = 0
  for (let start = 0; start < missing.length; start += askedAtOnce) {
    try {
      const gone = await stream.gone(missing.slice(start, start + askedAtOnce), io)
      await store(gone)
      confirmed += gone.length
    } catch (error) {
      if (kindOf(error) === 'rate-limited' && start > 0 && confirmed === 0) return
      throw error
    }
  }
}

/** Postgres takes no NUL and no half of a character, and what cannot be stored must not hold up the rest. */
function printable({ id, reason }: SkippedItem): SkippedItem {
  const clean = (text: string) => text.toWellFormed().replaceAll('\0', '\ufffd').slice(0, 2048)
  return { id: id === null ? null : clean(id), reason: clean(reason) }
}

/** One call, as the worker's right allows; nothing is checked here. */
export async function putItems(
  parts: Pick<StoreParts, 'platform' | 'target' | 'lease'>,
  items: Seen[],
  gone: string[],
  covers: Covered[],
  states: Record<string, MediaState>,
) {
  const { platform, target, lease } = parts
  const { storageId, connectionId, stream, fence, network, account, copies, context } = target
  const seen = items.map(({ item, seenAt }) => ({
    ...item,
    seenAt,
    mediaStates: Object.fromEntries(item.media.flatMap(({ url }) => (states[url] ? [[url, states[url]]] : []))),
  }))
  return platform.putItems({
    ...context,
    body: { storageId, connectionId, stream, fence, network, account, copies, items: seen, gone, covers },
    signal: lease.lost,
  })
}

function inPortions(items: Seen[]): Seen[][] {
  const count = Math.ceil(items.length / mostItems)
  return Array.from({ length: count }, (_, index) => items.slice(index * mostItems, (index + 1) * mostItems))
}

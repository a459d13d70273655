import { liveEventSchema, type StreamStatus, type TypeStatus } from '@asheville/clients'
import { streamKey, type StoredEvent } from '@asheville/jobs'
import type { Pace } from './standing-of.ts'

/** Over how long it is looked back. */
export const paceMs = 3 * 60_000

/** Batches that are stored, as the live events tell of them. */
interface Batch {
  atMs: number
  items: number
}

/** How fast each stream comes in, by `streamKey`, from the events of the last minutes. */
export function ratesOf(events: readonly StoredEvent[], now: Date): Map<string, number> {
  const batches = new Map<string, Batch[]>()
  for (const { id, json } of events) {
    const event = liveEventSchema.safeParse(JSON.parse(json)).data
    if (event?.type !== 'progress') continue
    const key = streamKey(event.connectionId, event.stream)
    const batch = { atMs: Number(id.split('-')[0]), items: event.new + event.changed }
    batches.set(key, [...(batches.get(key) ?? []), batch])
  }
  return new Map([...batches].flatMap(([key, all]) => (all.length < 2 ? [] : [[key, rateOf(all, now)]])))
}

/** Items a minute since the first batch, whose own items came in before. */
function rateOf([first, ...rest]: readonly Batch[], now: Date): number {
  const minutes = Math.max(now.getTime() - (first?.atMs ?? 0), 1000) / 60_000
  return rest.reduce((sum, { items }) => sum + items, 0) / minutes
}

/**
 * The pace of a stream. What is left is what the network says that there is of its content types beyond what is stored; not known where it does not say
 * so of one of them.
 */
export function paceOf(
  rate: number | undefined,
  contentTypes: readonly Pick<TypeStatus, 'available' | 'stored'>[],
  { backfilling }: Pick<StreamStatus, 'backfilling'>,
): Pace {
  const itemsPerMinute = rate === undefined ? null : Math.round(rate)
  const left = contentTypes.map(({ available, stored }) => (available === null || stored === null ? null : Math.max(0, available - stored)))
  if (!rate || !backfilling || left.length === 0 || left.includes(null)) return { itemsPerMinute, secondsLeft: null }
  const items = left.reduce<number>((sum, count) => sum + (count ?? 0), 0)
  return { itemsPerMinute, secondsLeft: Math.round((items / rate) * 60) }
}

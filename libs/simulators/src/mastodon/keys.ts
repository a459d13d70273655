import { createRandom } from '../kit/index.ts'
import type { Batch } from './types.ts'

/** Low bits of the ids of statuses from other servers; ids of local ones never end so. */
export const remoteMark = 0xbeefn

/** An id as Mastodon makes them: milliseconds since 1970 above 16 further bits. */
export const keyAt = (ms: number, low: bigint): bigint => (BigInt(ms) << 16n) | low
export const msOf = (key: bigint): number => Number(key >> 16n)
export const keyOf = (record: { key: bigint }): bigint => record.key

export function parseKey(id: string): bigint | null {
  return /^\d{1,20}$/.test(id) ? BigInt(id) : null
}

/** The id of a generated status is a function of its place in the batch, so that threads need no look-up. */
export function batchKey(batch: Batch, index: number): bigint {
  const low = BigInt(createRandom(batch.name, 'id', index).int(0, 0xffff))
  return keyAt(Math.floor(batch.from + index * batch.stepMs), low === remoteMark ? 0n : low)
}

/** https://docs.x.com/fundamentals/x-ids: since then ids hold the milliseconds from it, above 22 bits. */
const epochMs = 1_288_834_974_657n

/** The instant that an id holds; of one from before there were such ids, the first that one can hold. */
export function msIn(id: string): number {
  return Number((BigInt(id) >> 22n) + epochMs)
}

/** The lowest id that an instant can have. */
export function lowestIdAt(ms: number): bigint {
  return (BigInt(Math.floor(ms)) - epochMs) << 22n
}

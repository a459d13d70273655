/** Bounds as Mastodon and its kin name them; ids compared as numbers. */
export type Bounds = { maxId: bigint | null; sinceId: bigint | null; minId: bigint | null; limit: number }
export type KeyedPage<T> = { items: T[]; isFull: boolean }

/** First index in a list sorted by rising key whose key is ≥ `key`. */
export function lowerBound<T>(list: readonly T[], keyOf: (item: T) => bigint, key: bigint): number {
  let [low, high] = [0, list.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (keyOf(list[middle]!) < key) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * One page of a list sorted by rising key, newest first, in time proportional to the page.
 * `maxId` and `sinceId` are exclusive bounds on a page of the newest; `minId` gives the page right above it.
 */
export function pageOf<T>(
  list: readonly T[],
  keyOf: (item: T) => bigint,
  bounds: Bounds,
  keep: (item: T) => boolean = () => true,
): KeyedPage<T> {
  const floor = bounds.minId ?? bounds.sinceId
  const start = floor === null ? 0 : lowerBound(list, keyOf, floor + 1n)
  const end = bounds.maxId === null ? list.length : lowerBound(list, keyOf, bounds.maxId)
  const items: T[] = []
  if (bounds.minId !== null) {
    for (let i = start; i < end && items.length < bounds.limit; i++) if (keep(list[i]!)) items.push(list[i]!)
    items.reverse()
  } else {
    for (let i = end - 1; i >= start && items.length < bounds.limit; i--) if (keep(list[i]!)) items.push(list[i]!)
  }
  return { items, isFull: items.length === bounds.limit }
}

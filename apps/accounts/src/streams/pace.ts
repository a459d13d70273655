/** How often a stream has something new, as far as is known. */
export interface Pace {
  /** Between two new items, smoothed; null: not known yet. */
  gapMs: number | null
  /** Since it had something new last, or was pulled to its end for the first time; null: it never was. */
  silentMs: number | null
}

const minute = 60_000
const hour = 60 * minute
const longestIntervalMs = 24 * hour
/** Assumed of a stream that nothing is known of: most have something new more seldom, and are soon looked at more seldom. */
const firstGapMs = hour
/** A hundred items of one moment do not mean a hundred a second. */
const shortestGapMs = minute
/** How much the newest gap counts among those before. */
const weight = 0.25

/**
 * What a sync that pulled the stream to its end has taught. Gaps are averaged by their logarithms: one of a month among those of an hour, or a
 * hundred pictures at once, soon weighs nothing. What a first sync brings is history, and teaches nothing.
 *
 * @param news how many items it brought that had not been there before.
 */
export function learn({ gapMs, silentMs }: Pace, news: number): Pace {
  if (silentMs === null) return { gapMs, silentMs: 0 }
  if (news === 0) return { gapMs, silentMs }
  const newest = Math.max(shortestGapMs, silentMs / news)
  return { gapMs: (gapMs ?? firstGapMs) ** (1 - weight) * newest ** weight, silentMs: 0 }
}

export interface Bounds {
  /** Nobody is synced more often by itself: the operator says so. */
  shortestMs: number
  /** The person wants it this often, whatever is new; null: as often as it has something new. */
  fixedMs: number | null
}

/**
 * Milliseconds from one sync of a stream to the next, from the shortest to a day. It grows with the square root of the time between two new
 * items, which for streams of very different activity makes the sum of their delays the least for a given number of requests (of n streams with
 * gaps g and intervals t the sum of t / 2g is the least, for a given sum of 1 / t, where t² is as g). A stream that has been silent for longer than it
 * used to be is taken to have become more silent.
 */
export function intervalMs({ gapMs, silentMs }: Pace, { shortestMs, fixedMs }: Bounds): number {
  if (fixedMs !== null) return Math.max(fixedMs, shortestMs)
  const wanted = Math.sqrt(shortestMs * Math.max(gapMs ?? firstGapMs, silentMs ?? 0))
  return Math.max(shortestMs, Math.min(wanted, longestIntervalMs))
}

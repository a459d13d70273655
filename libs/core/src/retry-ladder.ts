/** What a sync of a stream fails of, and waits out by itself. What only the person can mend has states of its own. */
export type FailureKind = 'unavailable' | 'unexpected' | 'invalid'

export interface Rungs {
  /** Within a sync: how often it is tried again in vain before the sync fails. */
  retries: number
  firstRetryMs: number
  longestRetryMs: number
  /** Between syncs that failed in a row; the wait doubles from the first to the longest. */
  firstWaitMs: number
  longestWaitMs: number
  /** So many syncs in a row have failed when the person reads of it. */
  toldFrom: number
  /** After so long without anything that came through, the person is warned that the connection will be paused, and then it is. */
  warnAfterMs: number
  pauseAfterMs: number
}

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

const tries = (retries: number) => ({ retries, firstRetryMs: 2 * second, longestRetryMs: 10 * minute })
const waits = (firstWaitMs: number, longestWaitMs: number) => ({ firstWaitMs, longestWaitMs })
const tells = (toldFrom: number, warnAfterMs: number, pauseAfterMs: number) => ({ toldFrom, warnAfterMs, pauseAfterMs })

/**
 * All times of the way from a first failure to a paused connection. A server that does not answer is mostly back before anybody could do
 * anything about it; what a network refuses stays refused until somebody changes something. `docs/architecture.md` shows the same table.
 */
export const retryLadder: Readonly<Record<FailureKind, Rungs>> = {
  unavailable: { ...tries(20), ...waits(15 * minute, 6 * hour), ...tells(3, 14 * day, 28 * day) },
  unexpected: { ...tries(4), ...waits(15 * minute, day), ...tells(1, 7 * day, 14 * day) },
  invalid: { ...tries(0), ...waits(hour, day), ...tells(1, 7 * day, 14 * day) },
}

/** A full storage is asked again so often: it is not emptied within minutes, and asking costs one request. */
export const fullWaitMs = hour

/** Doubles with each one before, in a row, up to the longest; half of it to all, so that what broke together does not come back together. */
export function backoffMs(before: number, { firstMs, longestMs }: { firstMs: number; longestMs: number }, random: number): number {
  return Math.round(Math.min(longestMs, firstMs * 2 ** Math.min(before, 30)) * (0.5 + random / 2))
}

/**
 * What is done about a sync that failed, after waiting `waitMs` or (paused) not at all.
 *
 * @param failures syncs of the stream that failed in a row without having got anywhere, this one included.
 * @param failingMs since the first of them.
 * @param random from 0 to 1.
 */
export function climb(
  kind: FailureKind,
  { failures, failingMs }: { failures: number; failingMs: number },
  random: number,
): { step: 'retry' | 'tell' | 'warn' | 'pause'; waitMs: number } {
  const { firstWaitMs, longestWaitMs, toldFrom, warnAfterMs, pauseAfterMs } = retryLadder[kind]
  const waitMs = backoffMs(failures - 1, { firstMs: firstWaitMs, longestMs: longestWaitMs }, random)
  if (failingMs >= pauseAfterMs) return { step: 'pause', waitMs }
  if (failingMs >= warnAfterMs) return { step: 'warn', waitMs }
  return { step: failures >= toldFrom ? 'tell' : 'retry', waitMs }
}

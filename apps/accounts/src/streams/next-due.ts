const longestPauseMs = 24 * 60 * 60 * 1000
/** A full storage is not emptied within minutes. */
const fullPauseMs = 60 * 60 * 1000

/**
 * Milliseconds until a stream is due again: the interval, doubled with every failure in a row up to a day, give or take a
 * tenth so that what began together does not stay together. `random`: 0 to 1.
 */
export function nextDueMs(
  { intervalMs, failures, isFull = false }: { intervalMs: number; failures: number; isFull?: boolean },
  random: number = Math.random(),
): number {
  const pause = Math.min(intervalMs * 2 ** Math.min(failures, 20), Math.max(longestPauseMs, intervalMs))
  return Math.round(Math.max(pause, isFull ? fullPauseMs : 0) * (0.9 + random * 0.2))
}

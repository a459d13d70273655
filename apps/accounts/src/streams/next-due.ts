import type { Context } from '../context.ts'
import { intervalMs, type Bounds, type Pace } from './pace.ts'

/**
 * Milliseconds until a stream that was pulled to its end is due again: its interval, or the shortest one where the network has said that there is something
 * new and the person lets us decide; give or take a tenth, so that what began together does not stay together. `random`: 0 to 1.
 */
export function nextDueMs(pace: Pace, bounds: Bounds, isHinted = false, random: number = Math.random()): number {
  const ms = isHinted && bounds.fixedMs === null ? bounds.shortestMs : intervalMs(pace, bounds)
  return Math.round(ms * (0.9 + random * 0.2))
}

/** Until what a person cancelled goes on by itself. */
export function afterCancelMs({ syncIntervalMs }: Pick<Context, 'syncIntervalMs'>): number {
  return nextDueMs({ gapMs: null, silentMs: null }, { shortestMs: syncIntervalMs, fixedMs: null })
}

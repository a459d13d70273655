import type { Redis } from '@asheville/redis'
import { answering } from './answering.ts'
import { limitKey } from './names.ts'

/** Until when jobs are held back, and why, for people. */
export interface Held {
  until: Date
  reason: string
}

/** Holds back all jobs on a server of a network (or, with `server` null, all of the network). */
export async function holdBack(redis: Redis, network: string, server: string | null, { until, reason }: Held): Promise<void> {
  const ttlMs = until.getTime() - Date.now()
  if (ttlMs > 0) await answering(() => redis.set(limitKey(network, server), `${until.toISOString()} ${reason}`, 'PX', ttlMs))
}

/** What jobs on this server are held back by; null: they may go. */
export async function findHeld(redis: Redis, network: string, server: string | null): Promise<Held | null> {
  const names = [limitKey(network, null), ...(server === null ? [] : [limitKey(network, server)])]
  const values = await answering(() => redis.mget(...names))
  const latest = values
    .filter((value) => value !== null)
    .sort()
    .at(-1)
  const [, instant, reason] = /^(\S+) (.*)$/s.exec(latest ?? '') ?? []
  const until = new Date(instant ?? NaN)
  return until.getTime() > Date.now() ? { until, reason: reason ?? '' } : null
}

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
  return (await listHeld(redis, network, [server]))[0] ?? null
}

/** The same of several servers, in their order, by one command. */
export async function listHeld(redis: Redis, network: string, servers: readonly (string | null)[]): Promise<(Held | null)[]> {
  const distinct = [...new Set([null, ...servers])]
  const values = await answering(() => redis.mget(...distinct.map((server) => limitKey(network, server))))
  const held = new Map(distinct.map((server, index) => [server, heldOf(values[index] ?? null)]))
  return servers.map((server) => laterOf(held.get(null) ?? null, held.get(server) ?? null))
}

function heldOf(value: string | null): Held | null {
  const [, instant, reason] = /^(\S+) (.*)$/s.exec(value ?? '') ?? []
  const until = new Date(instant ?? NaN)
  return until.getTime() > Date.now() ? { until, reason: reason ?? '' } : null
}

const laterOf = (one: Held | null, other: Held | null): Held | null =>
  one && other ? (one.until > other.until ? one : other) : (one ?? other)

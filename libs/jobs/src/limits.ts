import type { Redis } from '@asheville/redis'
import { answering } from './answering.ts'
import { limitKey } from './names.ts'

/** Holds back all jobs on a server of a network (or, with `server` null, all of the network) until that instant. */
export async function holdBack(redis: Redis, network: string, server: string | null, until: Date): Promise<void> {
  const ttlMs = until.getTime() - Date.now()
  if (ttlMs > 0) await answering(() => redis.set(limitKey(network, server), until.toISOString(), 'PX', ttlMs))
}

/** Until when jobs on this server are held back; null: they may go. */
export async function heldBackUntil(redis: Redis, network: string, server: string | null): Promise<Date | null> {
  const names = [limitKey(network, null), ...(server === null ? [] : [limitKey(network, server)])]
  const values = await answering(() => redis.mget(...names))
  const instants = values.filter((value) => value !== null).map((value) => Date.parse(value))
  const latest = Math.max(...instants)
  return latest > Date.now() ? new Date(latest) : null
}

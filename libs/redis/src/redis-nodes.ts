import { Cluster, type Redis as Server } from 'ioredis'
import type { Redis } from './connect-redis.ts'

/** The server itself, or those of a cluster that hold keys of their own: for what is asked of each. */
export function nodesOf(redis: Redis): Server[] {
  return redis instanceof Cluster ? redis.nodes('master') : [redis]
}

/** Every key of that pattern, some at a time, wherever it is. */
export async function* scanKeys(redis: Redis, match: string): AsyncGenerator<string[]> {
  for (const node of nodesOf(redis)) yield* node.scanStream({ match, count: 1000 }) as AsyncIterable<string[]>
}

/** Calls back whenever what was asked or written may have been lost: the connection to it was, or to one of its nodes. */
export function onLoss(redis: Redis, listener: () => void): void {
  redis.on('close', listener)
  if (redis instanceof Cluster) redis.on('-node', listener)
}

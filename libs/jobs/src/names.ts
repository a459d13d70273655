import type { Budget } from '@asheville/core'

/** Every name that we use in Redis, in one place. BullMQ refuses `:` in queue names and deduplication ids of all digits. */

/** The queue of a network: one queue each, so that one network's trouble delays no other. */
export const queueName = (network: string): string => `sync-${network}`

/** The queue of work on pictures, in the background of everything else. */
export const renditionsQueue = 'renditions'

/** What BullMQ begins a queue's keys with. The braces keep those of a queue together on a cluster, and let queues lie on different nodes. */
export const queuePrefix = (queue: string): string => `{${queue}}`

/** Names a stream of a connection wherever one is meant: in deduplication, running sets and cancellations. */
export const streamKey = (connectionId: string, stream: string): string => `${connectionId}-${stream}`

export const runningKey = (userId: string): string => `running:${userId}`
export const runningPattern = 'running:*'

export const eventsKey = (userId: string): string => `events:${userId}`

/** Pub/sub: something was appended to the person's event stream. */
export const eventsChannel = (userId: string): string => `events:${userId}`

/** Pub/sub: JSON array of stream keys whose work is to stop. */
export const cancelChannel = 'cancel'

/** Set: the names of worker processes, and of those among them that are to take no more jobs. */
export const workersKey = 'workers'
export const drainedKey = 'workers-drained'

/** What a worker process says of itself, until it falls silent. */
export const workerKey = (holder: string): string => `worker:${holder}`

/** Set while a rate limit holds; `server` null for the limit of the whole app. */
export const limitKey = (network: string, server: string | null): string =>
  server === null ? `limit:{${network}}` : `limit:{${network}}:${server}`

/** What was taken of a budget lately. The braces keep those of a network together on a cluster. */
export const budgetKey = (network: string, { per, windowMs, of }: Pick<Budget, 'per' | 'windowMs'> & { of: string | null }): string =>
  `budget:{${network}}:${per}:${windowMs}${of === null ? '' : `:${of}`}`

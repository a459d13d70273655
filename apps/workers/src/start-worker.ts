import type { Network } from '@asheville/core'
import { onCancel, startConsumer, type Consumer, type QueueBackend, type Subscriber } from '@asheville/jobs'
import { errorFields } from '@asheville/service'
import { keepAnnouncing, type Announcing } from './keep-announcing.ts'
import { syncStream, type Crowd, type Workshop } from './sync-stream.ts'
import { createTurns } from './turns.ts'

export interface WorkerOptions {
  queue: QueueBackend
  subscriber: Subscriber
  networks: readonly Network[]
  /** Jobs of each network that pull and store at once. */
  concurrency: number
}

export interface Worker {
  /** Stops pulling, returns the leases, and lets go of Redis; what is not done by the deadline is left to others. */
  close(deadlineMs: number): Promise<void>
}

/** Most jobs find nothing new, and do little but wait for an answer: for each that stores, so many may look at once. */
const lookersPerJob = 20

/** One consumer per network: a slow network has its own queue and its own hands. */
export function startWorker(shop: Workshop, options: WorkerOptions): Worker {
  const consumers = new Map<string, Consumer>()
  const announcing = keepAnnouncing(shop, consumers)
  for (const network of options.networks) consumers.set(network.id, startNetwork(shop, network, options, announcing))
  const stopListening = onCancel(options.subscriber, (key) => consumers.forEach((consumer) => consumer.cancel(key)))
  return {
    async close(deadlineMs) {
      stopListening()
      await Promise.all([...consumers.values()].map((consumer) => consumer.close(deadlineMs)))
      await announcing.close()
    },
  }
}

function startNetwork(shop: Workshop, network: Network, { queue, concurrency }: WorkerOptions, announcing: Announcing): Consumer {
  const log = shop.log.child({ network: network.id })
  const crowd: Crowd = {
    turns: createTurns(concurrency),
    // Who is to take no more jobs gives the one in hand back after its slice.
    hasWaiting: async () => announcing.isDraining || consumer.hasWaiting().catch(() => false),
  }
  const consumer: Consumer = startConsumer({
    backend: queue,
    network: network.id,
    holder: shop.holder,
    concurrency: concurrency * lookersPerJob,
    process: (job, signal) => syncStream(shop, network, job, signal, crowd),
    onError: (error) => log.warn(errorFields(error), 'The queue reports an error'),
  })
  return consumer
}

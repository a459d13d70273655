import type { Network } from '@asheville/core'
import { onCancel, startConsumer, type Consumer, type QueueBackend, type Subscriber } from '@asheville/jobs'
import { errorFields } from '@asheville/service'
import { keepAnnouncing, type Announcing } from './keep-announcing.ts'
import { syncStream, type Workshop } from './sync-stream.ts'

export interface WorkerOptions {
  queue: QueueBackend
  subscriber: Subscriber
  networks: readonly Network[]
  /** Jobs at once for each network. */
  concurrency: number
}

export interface Worker {
  /** Stops pulling, returns the leases, and lets go of Redis; what is not done by the deadline is left to others. */
  close(deadlineMs: number): Promise<void>
}

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
  // Who is to take no more jobs gives the one in hand back after its slice.
  const hasWaiting = async () => announcing.isDraining || consumer.hasWaiting().catch(() => false)
  const consumer: Consumer = startConsumer({
    backend: queue,
    network: network.id,
    holder: shop.holder,
    concurrency,
    process: (job, signal) => syncStream(shop, network, job, signal, hasWaiting),
    onError: (error) => log.warn(errorFields(error), 'The queue reports an error'),
  })
  return consumer
}

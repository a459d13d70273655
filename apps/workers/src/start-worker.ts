import type { Network } from '@asheville/core'
import { onCancel, startConsumer, type Consumer, type QueueBackend, type Subscriber } from '@asheville/jobs'
import { errorFields } from '@asheville/service'
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
  const consumers = options.networks.map((network) => startNetwork(shop, network, options))
  const stopListening = onCancel(options.subscriber, (key) => consumers.forEach((consumer) => consumer.cancel(key)))
  return {
    async close(deadlineMs) {
      stopListening()
      await Promise.all(consumers.map((consumer) => consumer.close(deadlineMs)))
    },
  }
}

function startNetwork(shop: Workshop, network: Network, { queue, concurrency }: WorkerOptions): Consumer {
  const log = shop.log.child({ network: network.id })
  const consumer: Consumer = startConsumer({
    backend: queue,
    network: network.id,
    holder: shop.holder,
    concurrency,
    process: (job, signal) => syncStream(shop, network, job, signal, () => consumer.hasWaiting().catch(() => false)),
    onError: (error) => log.warn(errorFields(error), 'The queue reports an error'),
  })
  return consumer
}

import type { Network } from '@asheville/core'
import {
  done,
  later,
  listHeld,
  onCancel,
  renditionJobs,
  startConsumer,
  syncJobs,
  type Consumer,
  type Held,
  type QueueBackend,
  type Subscriber,
} from '@asheville/jobs'
import { errorFields } from '@asheville/service'
import { gather } from './gather.ts'
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

/** One consumer per network: a slow network has its own queue and its own hands. One more for pictures. */
export function startWorker(shop: Workshop, options: WorkerOptions): Worker {
  const consumers = new Map<string, Consumer>()
  const announcing = keepAnnouncing(shop, consumers)
  for (const network of options.networks) consumers.set(network.id, startNetwork(shop, network, options, announcing))
  consumers.set(renditionJobs.queue, startRenditions(shop, options))
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
    // Jobs begin together, as their leases come together.
    findHeld: gather<string | null, Held | null>((servers) => listHeld(shop.redis, network.id, servers), { ms: 1, most: 500 }),
  }
  const consumer: Consumer = startConsumer({
    backend: queue,
    kind: syncJobs(network.id),
    holder: shop.holder,
    concurrency: concurrency * lookersPerJob,
    process: (job, signal) => syncStream(shop, network, job, signal, crowd),
    onError: (error) => log.warn(errorFields(error), 'The queue reports an error'),
  })
  return consumer
}

/** Platform has the pictures and what makes smaller ones of them: a job is its turn to do so. */
function startRenditions(shop: Workshop, { queue }: WorkerOptions): Consumer {
  return startConsumer({
    backend: queue,
    kind: renditionJobs,
    holder: shop.holder,
    concurrency: 1,
    process: async (_, signal) => ((await shop.platform.renderDue({ signal })).left > 0 ? later(1) : done),
    onError: (error) => shop.log.warn({ ...errorFields(error), queue: renditionJobs.queue }, 'The queue reports an error'),
  })
}

import { AshevilleError } from '@asheville/core'
import type { SyncJob } from '@asheville/clients'
import type { Producer } from '@asheville/jobs'
import { errorFields, type Logger } from '@asheville/service'

const atOnce = 100

/**
 * Adds the jobs to their queues, the only place that does. Resolves to how many could not be added: they are in Postgres
 * all the same, and the next claim brings them again.
 */
export async function enqueue(
  { producer, log }: { producer: Producer; log: Logger },
  jobs: readonly SyncJob[],
  requestId: string,
): Promise<number> {
  let failed = 0
  let first: unknown = null
  const rest = jobs.values()
  const runner = async () => {
    for (const { network, trigger, ...job } of rest) {
      try {
        await producer.enqueueSync(network, { ...job, requestId }, { isScheduled: trigger === 'schedule' })
      } catch (error) {
        failed += 1
        first ??= error
        // The others would fail the same way, one timeout after the other.
        if (error instanceof AshevilleError && error.kind === 'unavailable') break
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, jobs.length) }, runner))
  const left = [...rest].length
  if (failed > 0) log.warn({ requestId, failed: failed + left, error: errorFields(first) }, 'Jobs are left to be enqueued later')
  return failed + left
}

/** How long a person waits for the queue. */
const patienceMs = 500

/** The same for what a person asked for: it is accepted once Postgres has it, and queued later while Redis is away. */
export async function enqueueSoon(
  context: { producer: Producer; log: Logger },
  jobs: readonly SyncJob[],
  requestId: string,
): Promise<void> {
  await Promise.race([enqueue(context, jobs, requestId), new Promise((resolve) => setTimeout(resolve, patienceMs).unref())])
}

import { AshevilleError } from '@asheville/core'
import type { SyncJob } from '@asheville/clients'
import type { Producer } from '@asheville/jobs'
import { errorFields, type Logger } from '@asheville/service'

const atOnce = 100
/** Scheduled jobs that are added by one call: the queue does nothing else meanwhile. */
const mostTogether = 100

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
  const loads = loadsOf(jobs)
  const rest = loads.values()
  const runner = async () => {
    for (const { network, isScheduled, jobs: load } of rest) {
      try {
        const added = load.map(({ syncId, userId, connectionId, stream }) => ({ syncId, userId, connectionId, stream, requestId }))
        if (isScheduled) await producer.enqueueScheduled(network, added)
        else for (const job of added) await producer.enqueueSync(network, job, { isScheduled })
      } catch (error) {
        failed += load.length
        first ??= error
        // The others would fail the same way, one timeout after the other.
        if (error instanceof AshevilleError && error.kind === 'unavailable') break
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, loads.length) }, runner))
  const left = [...rest].reduce((sum, { jobs: { length } }) => sum + length, 0)
  if (failed > 0) log.warn({ requestId, failed: failed + left, error: errorFields(first) }, 'Jobs are left to be enqueued later')
  return failed + left
}

interface Load {
  network: string
  isScheduled: boolean
  jobs: readonly SyncJob[]
}

/** What people wait for one by one, and first; what was scheduled by the hundred. */
function loadsOf(jobs: readonly SyncJob[]): Load[] {
  const [asked, scheduled] = [false, true].map((isScheduled) => jobs.filter(({ trigger }) => (trigger === 'schedule') === isScheduled))
  const loads = asked!.map((job): Load => ({ network: job.network, isScheduled: false, jobs: [job] }))
  for (const [network, mine] of Map.groupBy(scheduled!, (job) => job.network))
    for (let start = 0; start < mine.length; start += mostTogether)
      loads.push({ network, isScheduled: true, jobs: mine.slice(start, start + mostTogether) })
  return loads
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

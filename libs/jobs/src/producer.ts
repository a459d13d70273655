import { AshevilleError } from '@asheville/core'
import type { Job, JobsOptions, JobType } from 'bullmq'
import { answering } from './answering.ts'
import { renditionJobs } from './job-kind.ts'
import { queueName, streamKey } from './names.ts'
import type { AnyQueue, QueueBackend } from './queue-backend.ts'
import { syncJobDataSchema, type SyncJobData } from './sync-job.ts'

export interface EnqueueOptions {
  /** Nobody waits for it: it lets what people asked for go first. */
  isScheduled: boolean
}

export interface Producer {
  /**
   * Adds the job of a stream. One that waits already is left as it is; while one runs, this one follows it, so that work
   * asked for at the very end of a run is not swallowed. Throws `unavailable` soon when the queue is away.
   */
  enqueueSync(network: string, job: SyncJobData, options: EnqueueOptions): Promise<void>
  /** The same for many, all at once, that nobody waits for. When it throws, some of them may have been added. */
  enqueueScheduled(network: string, jobs: readonly SyncJobData[]): Promise<void>
  /** Adds jobs for so many slots; of a slot whose job has not ended none. */
  enqueueRenditions(slots: number): Promise<void>
  /** Removes the stream's job unless it runs. */
  removeSync(network: string, connectionId: string, stream: string): Promise<void>
  /**
   * Removes every job of the person from the network's queue, those that are done too: what is told of them holds the
   * person's id; and what the queue's own log of events says of their connections. Answers how many jobs there were; throws
   * `unavailable` while one runs.
   */
  forgetPerson(network: string, userId: string, connectionIds: readonly string[]): Promise<number>
}

const jobName = 'sync-stream'
const scheduledPriority = 10
const optionsOf = (id: string): JobsOptions => ({ deduplication: { id, keepLastIfActive: true } })
const jobStates: readonly JobType[] = ['active', 'wait', 'prioritized', 'delayed', 'waiting-children', 'completed', 'failed']

/**
 * Adds jobs.
 *
 * @see https://docs.bullmq.io/guide/jobs/deduplication
 */
export function createProducer(backend: QueueBackend): Producer {
  const queueOf = (network: string): Promise<AnyQueue> => backend.queue(queueName(network))

  return {
    async enqueueSync(network, job, { isScheduled }) {
      const data = syncJobDataSchema.parse(job)
      await answering(async () => {
        const queue = await queueOf(network)
        const id = streamKey(job.connectionId, job.stream)
        if (!isScheduled) await putFirst(queue, id)
        await queue.add(jobName, data, { ...optionsOf(id), ...(isScheduled ? { priority: scheduledPriority } : {}) })
      })
    },

    async enqueueScheduled(network, jobs) {
      const added = jobs.map((job) => ({
        name: jobName,
        data: syncJobDataSchema.parse(job),
        opts: { ...optionsOf(streamKey(job.connectionId, job.stream)), priority: scheduledPriority },
      }))
      await answering(async () => (await queueOf(network)).addBulk(added))
    },

    async enqueueRenditions(slots) {
      const { queue, keyOf } = renditionJobs
      const added = Array.from({ length: slots }, (_, slot) => ({
        name: 'render',
        data: { slot },
        opts: { deduplication: { id: keyOf({ slot }) } },
      }))
      await answering(async () => (await backend.queue(queue)).addBulk(added))
    },

    async removeSync(network, connectionId, stream) {
      await answering(async () => {
        const queue = await queueOf(network)
        const jobId = await queue.getDeduplicationJobId(streamKey(connectionId, stream))
        if (jobId !== null) await queue.remove(jobId)
      })
    },

    async forgetPerson(network, userId, connectionIds) {
      return answering(async () => {
        const queue = await queueOf(network)
        const jobs = await jobsOf(queue, userId)
        for (const { id } of jobs) if (id !== undefined) await queue.remove(id)
        const left = await jobsOf(queue, userId)
        if (left.length > 0) throw new AshevilleError('unavailable', 'Jobs of this person still run', { retryAfterMs: 2000 })
        await backend.forgetInEvents(queueName(network), connectionIds)
        return jobs.length
      })
    },
  }
}

/** A scheduled job that waits already is what somebody waits for now. */
async function putFirst(queue: AnyQueue, deduplicationId: string): Promise<void> {
  const known = await queue.getDeduplicationJobId(deduplicationId)
  const job = known === null ? undefined : await queue.getJob(known)
  // It may have ended in between.
  if (job && job.priority > 0) await job.changePriority({ priority: 0 }).catch(() => undefined)
}

const pageOfJobs = 500

/** A queue knows jobs by their own ids alone: all are looked through, page by page. */
async function jobsOf(queue: AnyQueue, userId: string): Promise<Job[]> {
  const found: Job[] = []
  for (const state of jobStates) {
    for (let start = 0, count = pageOfJobs; count === pageOfJobs; start += pageOfJobs) {
      const jobs = await queue.getJobs([state], start, start + pageOfJobs - 1)
      count = jobs.length
      // One that ended while it was read is none.
      found.push(...jobs.filter((job?: Job) => (job?.data as Partial<SyncJobData> | undefined)?.userId === userId))
    }
  }
  return found
}

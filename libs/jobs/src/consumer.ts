import { setTimeout as delay } from 'node:timers/promises'
import { DelayedError, Job, Worker } from 'bullmq'
import { connectPatiently, type Redis, type RedisOptions } from '@asheville/redis'
import { queueName, streamKey } from './names.ts'
import { syncJobDataSchema, type SyncJobData } from './sync-job.ts'

/** Why a job's signal aborted; it is the signal's reason. */
export type StopReason = 'cancelled' | 'shutdown' | 'lock-lost'

/** How a job ended: for good, or to be handed out again after so many milliseconds (behind those that wait). */
export type JobEnd = { kind: 'done' } | { kind: 'later'; delayMs: number }

export const done: JobEnd = { kind: 'done' }
export const later = (delayMs: number): JobEnd => ({ kind: 'later', delayMs })

export interface ConsumerOptions extends RedisOptions {
  redisUrl: string
  network: string
  /**
   * Names the process, the same for one that died and its successor, and nobody else's: the successor takes the jobs of the dead
   * over at once.
   */
  holder: string
  /** How many jobs at once. */
  concurrency: number
  /** Stops soon after the signal aborts. What it throws fails the job: Postgres, which knows that work is left, enqueues it anew. */
  process(job: SyncJobData, signal: AbortSignal): Promise<JobEnd>
  onError?(error: Error): void
}

export interface Consumer {
  /** Stops the running job of this stream, if it runs here. */
  cancel(key: string): void
  /** Whether a job waits that could run now. */
  hasWaiting(): Promise<boolean>
  /** Stops running jobs (`shutdown`), waits for them until the deadline, then lets go of what is left. */
  close(deadlineMs: number): Promise<void>
}

/** Jobs given back at the end wait for so long, or we would take them again ourselves. */
const handOverMs = 100

/**
 * Takes jobs off a network's queue. A worker that dies is replaced by its successor at once, by others within 10 s; one that
 * was frozen learns that its lock is gone and stops before it does harm. The defaults of BullMQ permit a single crash and
 * wait a minute.
 *
 * @see https://docs.bullmq.io/guide/workers/cancelling-jobs
 */
export function startConsumer(options: ConsumerOptions): Consumer {
  const { redisUrl, network, holder, concurrency } = options
  const redis = connectPatiently(redisUrl, options)
  const jobIds = new Map<string, string>()
  let isClosing = false

  const worker = new Worker(
    queueName(network),
    // Three parameters, or BullMQ hands out no signal.
    async (job: Job, token?: string, signal?: AbortSignal) => {
      const data = syncJobDataSchema.parse(job.data)
      const key = streamKey(data.connectionId, data.stream)
      if (job.id !== undefined) jobIds.set(key, job.id)
      try {
        // BullMQ may still hand out a job that it was waiting for when it was told to close.
        const end = isClosing ? later(handOverMs) : await options.process(data, signal ?? new AbortController().signal)
        if (end.kind === 'done') return null
        const delayMs = Math.max(isClosing ? handOverMs : 1, Math.round(end.delayMs))
        await job.moveToDelayed(Date.now() + delayMs, token)
        throw new DelayedError()
      } finally {
        jobIds.delete(key)
      }
    },
    {
      connection: redis,
      name: holder,
      autorun: false,
      concurrency,
      lockDuration: 6000,
      stalledInterval: 2000,
      maxStalledCount: 1_000_000,
      drainDelay: 5,
      runRetryDelay: 1000,
    },
  )
  worker.on('lockRenewalFailed', (ids) => ids.forEach((id) => worker.cancelJob(id, 'lock-lost' satisfies StopReason)))
  const onError = (error: Error) => options.onError?.(error)
  worker.on('error', onError)
  takeOver(redis, worker, holder)
    // Others' stalled jobs are looked for in any case, and so are these.
    .catch(onError)
    .then(() => worker.run())
    .catch(onError)

  return {
    cancel(key) {
      const jobId = jobIds.get(key)
      if (jobId !== undefined) worker.cancelJob(jobId, 'cancelled' satisfies StopReason)
    },
    hasWaiting: () => hasWaiting(redis, worker),
    async close(deadlineMs) {
      isClosing = true
      const closing = worker.close()
      worker.cancelAllJobs('shutdown' satisfies StopReason)
      const isClosed = await Promise.race([closing.then(() => true), delay(deadlineMs, false, { ref: false })])
      if (!isClosed) await worker.disconnect()
      redis.disconnect()
    },
  }
}

/** Jobs that a process of this name held when it died wait again, instead of when their locks run out. */
async function takeOver(redis: Redis, worker: Worker, holder: string): Promise<void> {
  const ids = await redis.lrange(worker.toKey('active'), 0, -1)
  for (const id of ids) {
    const [job, token] = await Promise.all([Job.fromId(worker, id), redis.get(`${worker.toKey(id)}:lock`)])
    if (job?.processedBy === holder && token !== null) await job.moveToDelayed(Date.now() + 1, token)
  }
}

/** Counts due jobs among the delayed too: BullMQ moves them only when a worker asks for its next job. */
async function hasWaiting(redis: Redis, worker: Worker): Promise<boolean> {
  const due = (Date.now() + 1) * 0x1000
  const [waiting, prioritized, delayed] = await Promise.all([
    redis.llen(worker.toKey('wait')),
    redis.zcard(worker.toKey('prioritized')),
    redis.zcount(worker.toKey('delayed'), 0, due),
  ])
  return waiting + prioritized + delayed > 0
}

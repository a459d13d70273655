import { setTimeout as delay } from 'node:timers/promises'
import { DelayedError, Job } from 'bullmq'
import type { JobKind } from './job-kind.ts'
import type { AnyWorker, QueueBackend } from './queue-backend.ts'

/** Why a job's signal aborted; it is the signal's reason. */
export type StopReason = 'cancelled' | 'shutdown' | 'lock-lost'

/** How a job ended: for good, or to be handed out again after so many milliseconds (behind those that wait). */
export type JobEnd = { kind: 'done' } | { kind: 'later'; delayMs: number }

export const done: JobEnd = { kind: 'done' }
export const later = (delayMs: number): JobEnd => ({ kind: 'later', delayMs })

export interface ConsumerOptions<Data> {
  backend: QueueBackend
  kind: JobKind<Data>
  /**
   * Names the process, the same for one that died and its successor, and nobody else's: the successor takes the jobs of the dead
   * over at once.
   */
  holder: string
  /** How many jobs at once. */
  concurrency: number
  /** Stops soon after the signal aborts. What it throws fails the job: Postgres, which knows that work is left, enqueues it anew. */
  process(job: Data, signal: AbortSignal): Promise<JobEnd>
  onError?(error: Error): void
}

export interface Consumer {
  /** Stops the running job of this key, if it runs here. */
  cancel(key: string): void
  /** Whether a job waits that could run now. */
  hasWaiting(): Promise<boolean>
  /** Takes no more jobs, and finishes those that run; or takes some again. */
  drain(isDraining: boolean): void
  /** How many jobs run. */
  readonly running: number
  /** Stops running jobs (`shutdown`), waits for them until the deadline, then lets go of what is left. The backend stays open. */
  close(deadlineMs: number): Promise<void>
}

/** Jobs given back at the end wait for so long, or we would take them again ourselves. */
const handOverMs = 100

/**
 * Takes jobs of one kind off their queue. A worker that dies is replaced by its successor at once, by others within 10 s; one that
 * was frozen learns that its lock is gone and stops before it does harm. The defaults of BullMQ permit a single crash and
 * wait a minute.
 *
 * @see https://docs.bullmq.io/guide/workers/cancelling-jobs
 */
export function startConsumer<Data>(options: ConsumerOptions<Data>): Consumer {
  const { backend, kind, holder, concurrency } = options
  const name = kind.queue
  const jobIds = new Map<string, string>()
  const closing = new AbortController()
  let isDraining = false
  const onError = (error: Error) => {
    if (!backend.isDown) options.onError?.(error)
  }

  async function work(job: Job, token?: string, signal?: AbortSignal): Promise<null> {
    const data = kind.schema.parse(job.data)
    const key = kind.keyOf(data)
    if (job.id !== undefined) jobIds.set(key, job.id)
    try {
      // BullMQ may still hand out a job that it was waiting for when it was told to close or to pause.
      const end =
        closing.signal.aborted || isDraining ? later(handOverMs) : await options.process(data, signal ?? new AbortController().signal)
      if (end.kind === 'done') return null
      const delayMs = Math.max(closing.signal.aborted || isDraining ? handOverMs : 1, Math.round(end.delayMs))
      await job.moveToDelayed(Date.now() + delayMs, token)
      throw new DelayedError()
    } finally {
      jobIds.delete(key)
    }
  }

  let worker: AnyWorker | null = null
  const opened = backend.openWorker(
    name,
    work,
    {
      name: holder,
      autorun: false,
      concurrency,
      lockDuration: 6000,
      stalledInterval: 2000,
      maxStalledCount: 1_000_000,
      drainDelay: 5,
      // A limit that is lifted is no more within this.
      maximumRateLimitDelay: 2000,
      runRetryDelay: 1000,
      // Said here and not with each job, which would carry it.
      removeOnComplete: { age: 600, count: 1000 },
      removeOnFail: { age: 86_400, count: 1000 },
    },
    closing.signal,
  )
  const running = opened.then(async (ours) => {
    worker = ours
    ours.on('lockRenewalFailed', (ids) => ids.forEach((id) => ours.cancelJob(id, 'lock-lost' satisfies StopReason)))
    ours.on('error', onError)
    // Others' stalled jobs are looked for in any case, and so are these.
    await takeOver(backend, name, ours, holder).catch(onError)
    if (!closing.signal.aborted && !isDraining && !ours.isRunning()) await ours.run()
  })
  running.catch((error: Error) => {
    if (!closing.signal.aborted) onError(error)
  })

  return {
    cancel(key) {
      const jobId = jobIds.get(key)
      if (jobId !== undefined) worker?.cancelJob(jobId, 'cancelled' satisfies StopReason)
    },
    hasWaiting: () => backend.hasWaiting(name),
    drain(wanted) {
      if (wanted === isDraining) return
      isDraining = wanted
      if (wanted) worker?.pause(true).catch(onError)
      else worker?.resume().catch(onError)
    },
    get running() {
      return jobIds.size
    },
    async close(deadlineMs) {
      closing.abort()
      const ours = await opened.catch(() => null)
      if (!ours) return
      const closed = ours.close()
      ours.cancelAllJobs('shutdown' satisfies StopReason)
      const isClosed = await Promise.race([closed.then(() => true), delay(deadlineMs, false, { ref: false })])
      if (!isClosed) await ours.disconnect()
    },
  }
}

/** Jobs that a process of this name held when it died wait again, instead of when their locks run out. */
async function takeOver(backend: QueueBackend, name: string, worker: AnyWorker, holder: string): Promise<void> {
  const held = (await backend.listHeld(name)).filter((job) => job.holder === holder)
  for (const { id, token } of held) await (await Job.fromId(worker, id))?.moveToDelayed(Date.now() + 1, token)
}

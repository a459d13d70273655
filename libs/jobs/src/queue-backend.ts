import type { IQueueBackend, Job, Queue, Worker, WorkerOptions } from 'bullmq'

/** Takes a job: the three parameters of BullMQ's, without the third of which it hands out no signal. */
export type Processor = (job: Job, token?: string, signal?: AbortSignal) => Promise<unknown>

export type WorkerSettings = Omit<WorkerOptions, 'connection'>

/* eslint-disable @typescript-eslint/no-explicit-any -- BullMQ types what is generic here by its backends, of which there are two. */
export type AnyQueue = Queue<any, any, string, any, any, string, IQueueBackend, any>
export type AnyWorker = Worker<any, any, string, IQueueBackend, any, any>
/* eslint-enable @typescript-eslint/no-explicit-any */

/** A job that a process works on, or that one worked on which died. */
export interface HeldJob {
  id: string
  /** Names the process. */
  holder: string | null
  /** Of its lock. */
  token: string
}

/**
 * Where BullMQ keeps its jobs. BullMQ hides most of what differs between its two; here is the rest. Running sets, live events,
 * limits and cancellations are in Redis with either.
 */
export interface QueueBackend {
  readonly kind: 'redis' | 'postgres'
  /** It was lost, and that was said: what goes wrong meanwhile need not be. */
  readonly isDown: boolean
  /**
   * A queue for adding jobs and for looking at them, opened when it is first asked for. Throws `unavailable` when nobody answers: one made
   * then would wait for it, and with it everybody who asks for something.
   */
  queue(name: string): Promise<AnyQueue>
  /** A worker that does not run yet, once the server answers, however long that takes. Rejects when the signal aborts. */
  openWorker(name: string, process: Processor, settings: WorkerSettings, signal: AbortSignal): Promise<AnyWorker>
  /** Whether a job waits that could run now. Due ones among the delayed count: BullMQ moves them only when a worker asks for its next job. */
  hasWaiting(name: string): Promise<boolean>
  listHeld(name: string): Promise<HeldJob[]>
  /** Removes what the queue's own log of events says of these connections; nobody of ours reads it. */
  forgetInEvents(name: string, connectionIds: readonly string[]): Promise<void>
  /** Throws `unavailable` when it does not answer, `invalid` when it is set up so that jobs may be lost. */
  check(): Promise<void>
  /** Closes its queues and lets go of every connection; workers are closed before. */
  close(): Promise<void>
}

import { AshevilleError } from '@asheville/core'

/** Less than callers wait for us, so that they hear who did not answer. */
const deadlineMs = 8_500

/** Runs what asks another service within 8.5 s; late, it is `unavailable` naming that service. */
export async function withDeadline<T>(title: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const deadline = AbortSignal.timeout(deadlineMs)
  try {
    return await work(AbortSignal.any([signal, deadline]))
  } catch (error) {
    if (signal.aborted || !deadline.aborted) throw error
    throw new AshevilleError('unavailable', `${title} does not answer in time. Try again later`, { cause: error })
  }
}

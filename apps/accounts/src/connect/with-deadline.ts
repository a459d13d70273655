import { AshevilleError } from '@asheville/core'

/** Less than callers wait for us, so that they hear who did not answer. */
const deadlineMs = 8_500

/**
 * Runs what asks another service within 8.5 s; late, it is `unavailable` naming that service.
 *
 * @param field where the person wrote which server to ask, as a JSON pointer
 */
export async function withDeadline<T>(
  title: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
  field: string | null = null,
): Promise<T> {
  const deadline = AbortSignal.timeout(deadlineMs)
  try {
    return await work(AbortSignal.any([signal, deadline]))
  } catch (error) {
    if (signal.aborted || !deadline.aborted) throw error
    if (field === null) throw new AshevilleError('unavailable', `${title} does not answer in time`, { cause: error })
    const message = 'This server does not answer in time'
    throw new AshevilleError('unavailable', message, { cause: error, faults: [{ pointer: field, message }] })
  }
}

import { AshevilleError, kindOf, throwIfAborted } from './errors.ts'
import type { PutResult } from './storage.ts'

/** The outcome of an upload by what it threw: `conflict`, `cancelled` where the signal ended it, else that failure. */
export function putFailure(path: string, thrown: unknown, signal: AbortSignal): PutResult {
  try {
    if (kindOf(thrown) === 'cancelled') throwIfAborted(signal)
    throw thrown
  } catch (error) {
    if (kindOf(error) === 'conflict') return { outcome: 'conflict', path }
    const ours = error instanceof AshevilleError ? error : new AshevilleError(kindOf(error), 'It could not be sent', { cause: error })
    return { outcome: 'failed', path, error: ours }
  }
}

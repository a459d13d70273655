import { AshevilleError, kindOf } from '@asheville/core'

/** What the storage wants of us must not be taken for what the network wants: it is not that connection's fault. */
export async function ofStorage<T>(call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    throw faultOfStorage(error)
  }
}

export function faultOfStorage(error: unknown): unknown {
  const kind = kindOf(error)
  if (kind === 'reconnect-required') return new AshevilleError('invalid', 'The storage has to be connected again', { cause: error })
  if (kind !== 'rate-limited') return error
  const retryAfterMs = error instanceof AshevilleError ? error.retryAfterMs : undefined
  return new AshevilleError('rate-limited', 'The storage takes no more requests for now', { cause: error, retryAfterMs })
}

import { AshevilleError } from '@asheville/core'

/** Runs a command; whatever goes wrong with Redis is `unavailable`. */
export async function answering<T>(command: () => Promise<T>): Promise<T> {
  try {
    return await command()
  } catch (error) {
    if (error instanceof AshevilleError) throw error
    throw new AshevilleError('unavailable', 'The queue does not answer', { cause: error, retryAfterMs: 2000 })
  }
}

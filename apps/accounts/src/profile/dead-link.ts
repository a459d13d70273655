import { AshevilleError } from '@asheville/core'

/** For links that never were, were used, or whose time is over: nobody learns which. */
export function deadLink(): AshevilleError {
  return new AshevilleError('not-found', 'This link does not work any more. Ask for a new one')
}

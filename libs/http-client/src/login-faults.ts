import { AshevilleError, type ErrorKind } from '@asheville/core'
import { NotThere } from './error-of-response.ts'
import { UnknownHost } from './guard.ts'

/** The answer is not what the service would give: another kind of server, or a service that changed. */
export class NotTheService extends AshevilleError {
  constructor(kind: Extract<ErrorKind, 'invalid' | 'unexpected'>, host: string, service: string, cause?: unknown) {
    super(kind, `${host} does not look like ${service}`, { cause })
  }
}

/** Whether the failure is that the host's name does not exist. */
export function isUnknownHost(error: unknown): boolean {
  return error instanceof UnknownHost
}

/** Whether the failure is that something else answered: a page, or JSON of another shape. */
export function isNotTheService(error: unknown): boolean {
  return error instanceof NotTheService
}

/**
 * For signing in, where a person has just written the server's name: what shows that it is the wrong one (it does not exist,
 * may not be reached, or is something else) becomes `invalid` at that field. A server that does not answer may be the right one: that
 * stays `unavailable`, told at the field all the same. Throw its result.
 * `pointer`: the field, `/server`.
 */
export function asLoginFault(error: unknown, pointer: string): unknown {
  if (!(error instanceof AshevilleError) || error.faults) return error
  const isWrongServer =
    error instanceof UnknownHost || error instanceof NotTheService || error.kind === 'invalid' || error.kind === 'not-found'
  if (!isWrongServer && error.kind !== 'unavailable') return error
  const { retryAfterMs } = error
  const message = error instanceof NotThere ? `This does not look like ${error.service}. Check how the address is written` : error.message
  const details = { cause: error, faults: [{ pointer, message }], ...(retryAfterMs !== undefined && { retryAfterMs }) }
  return new AshevilleError(isWrongServer ? 'invalid' : 'unavailable', message, details)
}

import { AshevilleError } from '@asheville/core'

/** Codes of errors that mean: the other side was slow. Reads are not repeated at once after these. */
const timeoutCodes = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT'])

/**
 * What `fetch`, or reading a body, threw, as one of ours; ours pass as they are, and an abort is the signal's reason. The
 * message names the host alone.
 */
export function translateFetchError(error: unknown, host: string, signal?: AbortSignal | null): unknown {
  if (signal?.aborted) return signal.reason
  if (error instanceof AshevilleError) return error
  if (Error.isError(error) && error.name === 'AbortError') return error
  for (let cause: unknown = error; Error.isError(cause); cause = cause.cause) {
    if (cause instanceof AshevilleError) return cause
    const code = codeOf(cause)
    if (code === undefined) continue
    const details = { cause: plainCause(code) }
    if (timeoutCodes.has(code)) return new AshevilleError('unavailable', `${host} does not answer in time`, details)
    if (isCertificateCode(code)) return new AshevilleError('unavailable', `The certificate of ${host} is not valid`, details)
    if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return new AshevilleError('invalid', `The answer of ${host} is too large`, details)
    if (code === 'UND_ERR_HEADERS_OVERFLOW') return new AshevilleError('invalid', `The answer of ${host} is not proper HTTP`, details)
    return new AshevilleError('unavailable', `${host} cannot be reached`, details)
  }
  if (error instanceof TypeError)
    return new AshevilleError('unavailable', `${host} cannot be reached`, { cause: plainCause(error.message) })
  return error
}

/** Whether a read may be repeated at once: the connection broke, nothing was slow, the name exists. */
export function isBrokenConnection(error: unknown): boolean {
  if (!(error instanceof AshevilleError) || error.kind !== 'unavailable' || !Error.isError(error.cause)) return false
  return /^(ECONNRESET|EPIPE|UND_ERR_SOCKET|ECONNABORTED|terminated)$/.test(error.cause.message)
}

function codeOf(error: Error): string | undefined {
  const code: unknown = 'code' in error ? error.code : undefined
  if (typeof code === 'string') return code
  return error.name.startsWith('HTTPParserError') ? 'HPE' : undefined
}

function isCertificateCode(code: string): boolean {
  return /CERT|SIGNED|ERR_TLS|UNABLE_TO_/.test(code)
}

/** Foreign errors carry sockets, headers and addresses; only the code goes on. */
function plainCause(code: string): Error {
  return new Error(code.slice(0, 100))
}

import { AshevilleError, type ErrorKind } from '@asheville/core'
import { errorOfResponse, retryAfterHeaderMs, translateFetchError } from '@asheville/http-client'

export const service = 'Google Drive'

/** Where Google says no time: the first wait of the backoff that it asks for, and that until a day's allowance is likely to be there again. */
const [shortMs, longMs] = [1000, 60 * 60_000]

/** https://developers.google.com/workspace/drive/api/guides/handle-errors */
const kinds: Record<string, readonly [kind: ErrorKind, message: string, waitMs?: number]> = {
  authError: ['reconnect-required', 'Google Drive no longer accepts our access. Reconnect it to go on'],
  insufficientPermissions: ['reconnect-required', 'Asheville may not use this Google Drive. Reconnect it and allow that'],
  domainPolicy: ['reconnect-required', 'The administrators of this Google account do not allow Asheville'],
  storageQuotaExceeded: ['storage-full', 'Your Google Drive is full'],
  userRateLimitExceeded: ['rate-limited', 'Google Drive allows no more requests for now', shortMs],
  rateLimitExceeded: ['rate-limited', 'Google Drive allows no more requests for now', shortMs],
  dailyLimitExceeded: ['rate-limited', 'Google Drive allows no more requests today', longMs],
  accessNotConfigured: ['unavailable', 'The Google Drive API is not switched on for this server’s app'],
  notFound: ['not-found', 'Google Drive does not have it'],
  appNotAuthorizedToFile: ['not-found', 'Google Drive no longer lets us see this file'],
}

/** What the SDK threw, as one of ours. */
export function translateError(error: unknown, signal?: AbortSignal): unknown {
  if (!Error.isError(error)) return error
  const { response } = error as { response?: { status: number; headers: Headers; data?: unknown } }
  // It wraps what our way out throws.
  if (response === undefined) return translateFetchError(error.cause ?? error, service, signal)
  return errorOfAnswer(response.status, response.headers, response.data)
}

/** By the reason that an answer names: rate limits and a full Drive are 403, as is much else. */
export function errorOfAnswer(status: number, headers: Headers, body: unknown): AshevilleError {
  const known = kinds[reasonOf(body) ?? '']
  if (known) {
    const [kind, message, waitMs] = known
    const retryAfterMs = retryAfterHeaderMs(headers, Date.now()) ?? waitMs
    return new AshevilleError(kind, message, retryAfterMs === undefined ? {} : { retryAfterMs })
  }
  // Cut short on its way, say.
  if (status === 403 && reasonOf(body) === null) return new AshevilleError('unavailable', `${service}’s answer is not what it should be`)
  if (status >= 300 && status < 400) return new AshevilleError('unavailable', `${service} leads elsewhere`)
  return errorOfResponse({ status, headers, body: null }, { service })
}

/** `notFound` of `{"error": {"errors": [{"reason": "notFound"}], "code": 404}}`. */
function reasonOf(body: unknown): string | null {
  const { error } = (body ?? {}) as { error?: { errors?: { reason?: unknown }[] } }
  const reason = Array.isArray(error?.errors) ? error.errors[0]?.reason : undefined
  return typeof reason === 'string' ? reason : null
}

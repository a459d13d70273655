import { AshevilleError, type ErrorKind } from '@asheville/core'
import { errorOfResponse, translateFetchError } from '@asheville/http-client'
import { DropboxResponseError } from 'dropbox'

const service = 'Dropbox'
/** What Dropbox's own clients wait when others write into the same account: it says no time. */
const contendedMs = 1_000

const kinds: readonly (readonly [tag: string, kind: ErrorKind, message: string])[] = [
  ['insufficient_space', 'storage-full', 'Your Dropbox is full'],
  ['too_many_write_operations', 'rate-limited', 'Dropbox takes no more writes for a moment'],
  ['lookup_failed', 'unavailable', 'Dropbox lost what was sent to it'],
  // An earlier request, given up on, has arrived meanwhile.
  ['incorrect_offset', 'unavailable', 'Dropbox has another part of it than the one before'],
  ['closed', 'unavailable', 'Dropbox has all of it already'],
  ['disallowed_name', 'invalid', 'Dropbox takes no file of this name'],
  ['malformed_path', 'invalid', 'Dropbox takes no file of this name'],
  ['not_found', 'not-found', 'Dropbox does not have it'],
  ['not_file', 'not-found', 'This is a folder'],
  ['not_folder', 'not-found', 'This is no folder'],
  ['conflict', 'conflict', 'The file has changed in Dropbox'],
  ['reset', 'cursor-expired', 'Dropbox forgot what it told before'],
  ['no_write_permission', 'reconnect-required', 'Dropbox no longer lets us write'],
  ['content_hash_mismatch', 'unavailable', 'What arrived at Dropbox is not what was sent'],
]

/**
 * What the SDK threw, as one of ours. Errors of an endpoint are 409 with nested tags (`path/conflict/file`), of which the first that says
 * something counts: https://www.dropbox.com/developers/documentation/http/documentation#error-handling
 */
export function translateError(error: unknown, signal?: AbortSignal): unknown {
  if (!(error instanceof DropboxResponseError)) return translateFetchError(error, service, signal)
  return errorOfAnswer(error.status, error.headers as Headers, error.error)
}

/** The same of an answer that was read by other means than the SDK's. */
export function errorOfAnswer(status: number, headers: Headers, body: unknown): AshevilleError {
  if (status === 429) {
    const seconds = property(property(body, 'error'), 'retry_after')
    const plain = errorOfResponse({ status, headers, body: null }, { service })
    return typeof seconds === 'number' && !headers.has('retry-after')
      ? new AshevilleError('rate-limited', plain.message, { retryAfterMs: seconds * 1000 })
      : plain
  }
  if (status === 409) return errorOfTags(tagsOf(property(body, 'error')))
  // A token of an account that is closed or may not do this any more.
  if (status === 403) return new AshevilleError('reconnect-required', 'Dropbox no longer accepts the connection')
  return errorOfResponse({ status, headers, body: null }, { service })
}

/** By the tags of an endpoint's error, or of one entry's in an answer for many. */
export function errorOfTags(tags: readonly string[]): AshevilleError {
  for (const [tag, kind, message] of kinds)
    if (tags.includes(tag)) return new AshevilleError(kind, message, kind === 'rate-limited' ? { retryAfterMs: contendedMs } : {})
  // Cut short on its way, say: whatever it was, it may not be so the next time.
  if (tags.length === 0) return new AshevilleError('unavailable', 'Dropbox’s answer is not what it should be')
  return new AshevilleError('invalid', `Dropbox refused: ${tags.join(', ').slice(0, 100)}`)
}

/** `path`, `conflict`, `file` of `{".tag": "path", "reason": {".tag": "conflict", "conflict": {".tag": "file"}}}`. */
export function tagsOf(error: unknown): string[] {
  if (typeof error !== 'object' || error === null) return []
  const tag = property(error, '.tag')
  return [...(typeof tag === 'string' ? [tag] : []), ...Object.values(error).flatMap(tagsOf)]
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

import { AshevilleError, type ErrorKind } from '@asheville/core'
import { errorOfResponse, retryAfterHeaderMs, translateFetchError } from '@asheville/http-client'
import { S3ServiceException } from '@aws-sdk/client-s3'

const service = 'The S3 service'
/** Where it says no time. */
const slowDownMs = 1000

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, and what Ceph, MinIO and Swift say beside that. */
const kinds: Record<string, readonly [kind: ErrorKind, message: string]> = {
  NoSuchKey: ['not-found', 'There is no such file in the bucket'],
  NotFound: ['not-found', 'There is no such file in the bucket'],
  NoSuchBucket: ['unavailable', 'The bucket is not there'],
  PreconditionFailed: ['conflict', 'The file has changed in the bucket'],
  ConditionalRequestConflict: ['conflict', 'The file is changed in the bucket at this moment'],
  NotImplemented: ['invalid', `${service} does not know what it was asked for`],
  QuotaExceeded: ['storage-full', 'The bucket is full'],
  XMinioStorageFull: ['storage-full', 'The bucket is full'],
  XMinioAdminBucketQuotaExceeded: ['storage-full', 'The bucket is full'],
  InsufficientStorage: ['storage-full', 'The bucket is full'],
  SlowDown: ['rate-limited', `${service} asks to slow down`],
  Throttling: ['rate-limited', `${service} asks to slow down`],
  RequestTimeTooSkewed: ['unavailable', 'The clock of this server differs too much from that of the S3 service'],
  BadDigest: ['unavailable', 'What arrived in the bucket is not what was sent'],
  XAmzContentSHA256Mismatch: ['unavailable', 'What arrived in the bucket is not what was sent'],
  NoSuchUpload: ['unavailable', `${service} lost what was sent to it`],
  EntityTooLarge: ['invalid', `${service} takes no file of this size`],
  KeyTooLongError: ['invalid', `${service} takes no name of this length`],
}
for (const code of [
  'AccessDenied',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'InvalidToken',
  'AccountProblem',
  'Forbidden',
  '403',
])
  kinds[code] = ['reconnect-required', `${service} no longer accepts the keys`]

/** What the SDK threw, as one of ours: by the code, or by the status where the answer has no body. */
export function translateError(error: unknown, signal?: AbortSignal): unknown {
  if (!(error instanceof S3ServiceException)) return translateFetchError(error, service, signal)
  const status = error.$metadata.httpStatusCode ?? 0
  const headers = new Headers((error.$response as { headers?: Record<string, string> } | undefined)?.headers)
  // The answer to a HEAD has no code.
  if (status === 503 && headers.has('retry-after'))
    return new AshevilleError('rate-limited', `${service} asks to slow down`, waitOf('rate-limited', headers))
  const known = kinds[error.name] ?? (status === 403 ? kinds['AccessDenied'] : status === 412 ? kinds['PreconditionFailed'] : undefined)
  if (!known) return errorOfResponse({ status, headers, body: null }, { service })
  const [kind, message] = known
  const details = kind === 'rate-limited' || kind === 'unavailable' ? waitOf(kind, headers) : {}
  return new AshevilleError(kind, message, details)
}

function waitOf(kind: ErrorKind, headers: Headers): { retryAfterMs?: number } {
  const retryAfterMs = retryAfterHeaderMs(headers, Date.now()) ?? (kind === 'rate-limited' ? slowDownMs : undefined)
  return retryAfterMs === undefined ? {} : { retryAfterMs }
}

import { AshevilleError, type ErrorKind, type LimitScope } from '@asheville/core'
import { z } from 'zod'
import { waitOf } from './usage.ts'

const errorSchema = z.object({
  error: z.object({
    code: z.number(),
    error_subcode: z.number().optional().catch(undefined),
    is_transient: z.boolean().optional().catch(undefined),
  }),
})

/** Code 1, “possibly a temporary issue”: what Graph also says when it was asked for more than it manages in time. */
export class UnknownFault extends AshevilleError {}

const again = 'Connect Facebook again'
/** Subcodes of 102 and 190 that the person can do something about. */
const sessionEnds: Record<number, string> = {
  458: 'Asheville was removed in the settings of Facebook. Connect it again',
  459: 'Facebook wants you to sign in there and to settle something first. Then connect it again',
  460: 'The password of Facebook was changed. Connect it again',
  463: `Facebook’s permission is over. ${again}`,
  464: 'Facebook wants you to confirm your account there first. Then connect it again',
}

/**
 * What Graph says in its own words, whatever the HTTP status, as one of our errors; null: no such words, or a fault that passes. Codes:
 * https://developers.facebook.com/docs/graph-api/guides/error-handling and …/overview/rate-limiting#error-codes
 */
export function refusalOf({ status, headers, body }: { status: number; headers: Headers; body: unknown }): AshevilleError | null {
  const parsed = errorSchema.safeParse(body)
  if (!parsed.success) return status === 429 ? limited('connection', headers) : null
  const { code, error_subcode: subcode = 0, is_transient: isTransient } = parsed.data.error
  const cause = new Error(`Graph answered ${status} with code ${code}, subcode ${subcode}`)
  const fail = (kind: ErrorKind, message: string) => new AshevilleError(kind, message, { cause })
  if (code === 102 || code === 190)
    return fail('reconnect-required', sessionEnds[subcode] ?? `Facebook no longer accepts the connection. ${again}`)
  if (code === 4 || code === 341) return limited('app', headers, cause)
  if (code === 17 || code === 32 || code === 613 || (code >= 80_000 && code < 80_100)) return limited('connection', headers, cause)
  if (code === 368) return limited('connection', headers, cause, blockedMs)
  if ((code === 100 && subcode === 33) || code === 803) return fail('not-found', 'Facebook does not have it, or does not show it')
  if (isTransient || code === 2) return status >= 500 ? null : fail('unavailable', 'Facebook has trouble')
  if (code === 1) return new UnknownFault('unavailable', 'Facebook has trouble', { cause })
  if (code === 10 || (code >= 200 && code < 300))
    return fail('reconnect-required', 'Facebook does not allow this to be read. Connect it again, and allow what is to be copied')
  if (code === 3) return fail('forbidden', 'Facebook does not let the app of this server read this')
  if (code === 101) return fail('invalid', 'Facebook does not know the app of this server. Its operator has to look at its id and secret')
  return status >= 500 ? null : fail('invalid', `Facebook refused the request (code ${code})`)
}

/** A block for what looked like abuse passes by itself; how long it takes is not told. */
const blockedMs = 3600_000

function limited(scope: LimitScope, headers: Headers, cause?: Error, retryAfterMs = waitOf(headers)): AshevilleError {
  return new AshevilleError('rate-limited', 'Facebook asks to wait', { cause, scope, retryAfterMs })
}

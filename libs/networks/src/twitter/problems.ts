import { AshevilleError } from '@asheville/core'
import { retryAfterMs } from '@asheville/http-client'
import { z } from 'zod'

const hourMs = 3600_000

const problemSchema = z
  .object({
    type: z.string().catch(''),
    period: z.string().nullish().catch(null),
    reason: z.string().nullish().catch(null),
    errors: z
      .array(z.object({ parameters: z.record(z.string(), z.unknown()) }).catch({ parameters: {} }))
      .nullish()
      .catch(null),
  })
  .catch({ type: '', period: null, reason: null, errors: null })

/**
 * X's refusals as ours; null: as the status says. https://docs.x.com/x-api/fundamentals/response-codes-and-errors
 * A limit of the window is the person's: with their access X counts by person. What is used up of a month's or a day's posts, and credits, are the app's.
 */
export function errorOfProblem(answer: { status: number; headers: Headers; body: unknown }, now: Date): AshevilleError | null {
  const { status, headers } = answer
  const problem = problemSchema.parse(answer.body)
  const name = problem.type.split('/').at(-1) ?? ''
  switch (status) {
    case 400:
      return invalid(problem.errors ?? [])
    case 402:
      return new AshevilleError('rate-limited', 'This server has no credit left at X. Whoever runs it can buy more', {
        ...{ retryAfterMs: hourMs, scope: 'app' },
      })
    case 403:
      return forbidden(name, problem.reason ?? name)
    case 404:
      return new AshevilleError('unavailable', 'X does not answer as it should at the moment')
    case 429:
      return name === 'usage-capped' ? usedUp(problem.period, now) : (dayLimit(headers, now) ?? null)
    default:
      return null
  }
}

/** X does not give the account's lists any more, whoever asks. Nothing is said of what was in them. */
export function accountIsAway(): AshevilleError {
  return new AshevilleError(
    'reconnect-required',
    'X does not give this account any more: it may be suspended, locked or deleted. Sign in there to see why, then connect it again',
  )
}

/** We send what the documentation says, so only a mark can be what X does not take any more. */
function invalid(errors: readonly { parameters: Record<string, unknown> }[]): AshevilleError {
  const names = [...new Set(errors.flatMap(({ parameters }) => Object.keys(parameters)))]
  const marks = ['pagination_token', 'since_id', 'until_id']
  if (names.some((name) => marks.includes(name))) return new AshevilleError('cursor-expired', 'X does not know this mark any more')
  return new AshevilleError('unexpected', `X refused the request: ${names.join(', ').slice(0, 200) || 'it does not say why'}`)
}

function forbidden(name: string, reason: string): AshevilleError {
  switch (name) {
    case 'user-suspended':
      return new AshevilleError(
        'reconnect-required',
        'X has suspended this account. What was copied stays as it is. When X has restored the account, connect it again',
      )
    case 'client-forbidden':
    case 'unsupported-authentication':
      return new AshevilleError(
        'unavailable',
        `X does not let this server’s app in (${reason.slice(0, 60)}). Whoever runs it has to see to it`,
        {
          retryAfterMs: hourMs,
        },
      )
    default:
      return new AshevilleError(
        'reconnect-required',
        'X refuses access to this account. Sign in there to see whether it is locked, then connect it again and allow all that is asked for',
      )
  }
}

function usedUp(period: string | null | undefined, now: Date): AshevilleError {
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()]
  const isDaily = /^daily$/i.test(period ?? '')
  const until = isDaily ? Date.UTC(year, month, day + 1) : Date.UTC(year, month + 1, 1)
  const date = new Date(until).toISOString().slice(0, 10)
  const message = `What X lets this server read in a ${isDaily ? 'day' : 'month'} is used up. It goes on on ${date}`
  return new AshevilleError('rate-limited', message, { retryAfterMs: until - now.getTime(), scope: 'app' })
}

/** Limits of 24 hours have headers of their own, of the app and of the person, beside those of the window. */
function dayLimit(headers: Headers, now: Date): AshevilleError | null {
  for (const [whose, scope] of [['app', 'app'] as const, ['user', 'connection'] as const]) {
    const reset = headers.get(`x-${whose}-limit-24hour-reset`)
    if (reset === null || headers.get(`x-${whose}-limit-24hour-remaining`) !== '0') continue
    const wait = retryAfterMs(new Headers({ 'x-rate-limit-reset': reset }), now)
    return new AshevilleError('rate-limited', 'X allows no more requests today', { retryAfterMs: wait, scope })
  }
  return null
}

import { createHmac } from 'node:crypto'
import { createRandom } from '../kit/index.ts'
import { byCode, errors, GraphError } from './errors.ts'
import type { Person } from './records.ts'
import type { FacebookApp } from './types.ts'

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const dayMs = 86_400_000

/** Why a token ended, by the subcodes of error 190. */
export type Ending = 'expired' | 'appRemoved' | 'passwordChanged' | 'invalid'
export type Token = { value: string; person: Person; issuedMs: number; expiresMs: number; isLong: boolean; ending: Ending | null }
type Parts = {
  app: Required<FacebookApp>
  seed: string | number
  shortSeconds: number
  longSeconds: number
  now: () => number
}

/** The access tokens of people (developers.facebook.com/docs/facebook-login/guides/access-tokens). What they may do is the person's permissions, as they stand. */
export function createTokens({ app, seed, shortSeconds, longSeconds, now }: Parts) {
  const tokens = new Map<string, Token>()
  const random = createRandom(seed, 'facebook-tokens')
  const state = { isAppKnown: true }

  function issue(person: Person, isLong: boolean, expiresMs?: number): Token {
    const value = `EAA${Array.from({ length: 120 }, () => random.pick([...letters])).join('')}ZD`
    const lifeMs = (isLong ? longSeconds : shortSeconds) * 1000
    const token: Token = { value, person, issuedMs: now(), expiresMs: expiresMs ?? now() + lifeMs, isLong, ending: null }
    tokens.set(value, token)
    return token
  }

  const refusal = (message: string, subcode?: number) => new GraphError({ code: 190, message, ...(subcode !== undefined && { subcode }) })

  /** What is wrong with a token, as Graph says it; null: nothing. */
  function wrongWith({ person, expiresMs, ending }: Token): GraphError | null {
    const invalid = (why: string, subcode: number) => refusal(`Error validating access token: ${why}`, subcode)
    if (!state.isAppKnown) return refusal('Error validating application. Application has been deleted.')
    if (ending === 'appRemoved' || person.permissions.size === 0) return invalid(`The user has not authorized application ${app.id}.`, 458)
    if (ending === 'passwordChanged')
      return invalid(
        'The session has been invalidated because the user changed their password or Facebook has changed the session for security reasons.',
        460,
      )
    if (ending === 'invalid') return invalid('The session is invalid.', 467)
    if (expiresMs <= now()) return invalid(`Session has expired on ${moment(expiresMs)}. The current time is ${moment(now())}.`, 463)
    if (person.standing === 'checkpoint')
      return invalid('You cannot access the app till you log in to www.facebook.com and follow the instructions given.', 459)
    if (person.standing === 'unconfirmed')
      return invalid('Sessions for the user are not allowed because the user is not a confirmed user.', 464)
    return null
  }

  const proofOf = (value: string) => createHmac('sha256', app.secret).update(value).digest('hex')
  const all = (person?: Person) => [...tokens.values()].filter((token) => !person || token.person === person)

  return {
    issue,
    wrongWith,
    proofOf,
    find: (value: string): Token | null => tokens.get(value) ?? null,
    /** The token of a call; throws Graph's error when it is no good. */
    check(value: string): Token {
      const token = tokens.get(value)
      if (!token)
        throw refusal(
          /^[\w|-]+$/.test(value) ? 'Invalid OAuth access token - Cannot parse access token' : `Malformed access token ${value}`,
        )
      const wrong = wrongWith(token)
      if (wrong) throw wrong
      if (token.person.standing === 'blocked') throw new GraphError({ code: 368, ...byCode[368]! })
      return token
    },
    checkProof(value: string, proof: string | null, isRequired: boolean): void {
      if (proof === null && isRequired) throw errors.proof(true)
      if (proof !== null && proof !== proofOf(value)) throw errors.proof(false)
    },
    /**
     * A long-lived token for one that is still good. For a long-lived one that is a day old the time begins anew; for a younger one the new token
     * ends when that ends.
     */
    lengthen(token: Token): Token {
      const keepsEnd = token.isLong && now() - token.issuedMs < dayMs
      return issue(token.person, true, keepsEnd ? token.expiresMs : undefined)
    },
    end(ending: Ending, person?: Person) {
      for (const token of all(person))
        if (ending === 'expired') token.expiresMs = Math.min(token.expiresMs, now())
        else token.ending ??= ending
    },
    endOne(value: string, ending: Ending) {
      const token = tokens.get(value)
      if (token) token.ending ??= ending
    },
    /** Whether Facebook knows the app (it does not when its developer deleted it). */
    setAppKnown: (known: boolean) => void (state.isAppKnown = known),
    isAppKnown: () => state.isAppKnown,
  }
}
export type Tokens = ReturnType<typeof createTokens>

/** `Saturday, 01-Feb-20 10:00:00 PST`, as Graph's messages write moments. */
function moment(ms: number): string {
  const local = new Date(ms - 8 * 3_600_000)
  const part = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat('en-US', { timeZone: 'UTC', ...options }).format(local)
  const [, month, day, year] = /^(\w+) (\d+), (\d+)$/.exec(part({ month: 'short', day: '2-digit', year: 'numeric' }))!
  return `${part({ weekday: 'long' })}, ${day}-${month}-${year!.slice(2)} ${local.toISOString().slice(11, 19)} PST`
}

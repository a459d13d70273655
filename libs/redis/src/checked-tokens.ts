import type { Redis } from './connect-redis.ts'

/**
 * What accounts said of an app's token, shared by all processes for up to a minute: `app-token:{<hash>}` holds it as JSON, or
 * `revoked`, which nobody who asked before the token was taken back can overwrite.
 */
const keyOf = (tokenHash: Uint8Array): string => `app-token:{${Buffer.from(tokenHash).toString('base64url')}}`
/** The braces keep both keys of a token together on a cluster. */
const countKeyOf = (tokenHash: Uint8Array): string => `${keyOf(tokenHash)}:requests`

/** Longer than anybody believes what they were told before. */
const revokedMs = 120_000

export interface CountedRequest {
  /** As it was kept. */
  text: string
  /** Of this token's requests in the present window, this one included. */
  requests: number
  /** Until the next window begins. */
  resetMs: number
}

/** Counts a request only of a token that is known to be good, so that nobody can fill Redis with what is none. */
const count = `
local text = redis.call('GET', KEYS[1])
if not text or text == 'revoked' then return text end
local requests = redis.call('INCR', KEYS[2])
if requests == 1 then redis.call('PEXPIRE', KEYS[2], ARGV[1]) end
return {text, requests, redis.call('PTTL', KEYS[2])}`

/** What is known of that token, and one request of it counted; null when nothing is known. */
export async function countRequest(redis: Redis, tokenHash: Uint8Array, windowMs: number): Promise<CountedRequest | 'revoked' | null> {
  const found = (await redis.eval(count, 2, keyOf(tokenHash), countKeyOf(tokenHash), windowMs)) as
    [string, number, number] | 'revoked' | null
  return Array.isArray(found) ? { text: found[0], requests: found[1], resetMs: Math.max(0, found[2]) } : found
}

/** Without counting a request. */
export async function readChecked(redis: Redis, tokenHash: Uint8Array): Promise<string | null> {
  return redis.get(keyOf(tokenHash))
}

/** Keeps what accounts said for that long, unless the token was taken back meanwhile. */
export async function keepChecked(redis: Redis, tokenHash: Uint8Array, text: string, keepMs: number): Promise<void> {
  if (keepMs >= 1) await redis.set(keyOf(tokenHash), text, 'PX', Math.floor(keepMs), 'NX')
}

/** These tokens are no more, for all processes at once. */
export async function noteRevoked(redis: Redis, tokenHashes: readonly Uint8Array[]): Promise<void> {
  // One by one: on a cluster they may lie on several nodes.
  await Promise.all(tokenHashes.map((hash) => redis.set(keyOf(hash), 'revoked', 'PX', revokedMs)))
}

import { createHmac } from 'node:crypto'
import { createRandom, sha256 } from '../kit/index.ts'
import type { Counters } from '../kit/index.ts'
import type { RefreshReuse } from './types.ts'

type Claims = { scope: string; aud: string; sub: string; iat: number; exp: number; jti?: string }
type Refresh = { did: string; session: number; usedAt: number | null; next: string | null; expiresAt: number }
export type Checked = { did: string; session: number; jti: string | null } | 'expired' | 'invalid'

const refreshLifeMs = 90 * 86_400_000
const graceMs = 2 * 3_600_000

/** Access and refresh tokens as the reference server makes them: HS256 JWTs, types `at+jwt` and `refresh+jwt`; a refresh rotates both. */
export function createSessions(options: {
  seed: string | number
  now(): number
  accessLifeMs: number
  reuse: RefreshReuse
  counters(): Counters
}) {
  const key = sha256(`${options.seed}-jwt`)
  const ids = createRandom(options.seed, 'jti')
  const refreshes = new Map<string, Refresh>()
  const revoked = new Set<number>()
  let sessions = 0
  const audience = 'did:web:localhost'

  function sign(type: string, claims: Claims & { sid: number }): string {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const body = `${part({ typ: type, alg: 'HS256' })}.${part(claims)}`
    return `${body}.${createHmac('sha256', key).update(body).digest('base64url')}`
  }
  function tokens(did: string, session: number, jti = ids.hex(16)) {
    const iat = Math.floor(options.now() / 1000)
    const seconds = (ms: number) => iat + Math.floor(ms / 1000)
    if (!refreshes.has(jti)) refreshes.set(jti, { did, session, usedAt: null, next: null, expiresAt: options.now() + refreshLifeMs })
    const base = { aud: audience, sub: did, iat, sid: session }
    return {
      accessJwt: sign('at+jwt', { ...base, scope: 'com.atproto.appPass', exp: seconds(options.accessLifeMs), jti: ids.hex(8) }),
      refreshJwt: sign('refresh+jwt', { ...base, scope: 'com.atproto.refresh', exp: seconds(refreshLifeMs), jti }),
    }
  }
  function read(token: string, type: string): (Claims & { sid: number }) | null {
    const [head = '', body = '', signature = ''] = token.split('.')
    if (createHmac('sha256', key).update(`${head}.${body}`).digest('base64url') !== signature) return null
    const { typ } = JSON.parse(Buffer.from(head, 'base64url').toString()) as { typ: string }
    return typ === type ? (JSON.parse(Buffer.from(body, 'base64url').toString()) as Claims & { sid: number }) : null
  }
  function check(token: string, type: string, allowExpired = false): Checked {
    const claims = read(token, type)
    if (!claims) return 'invalid'
    if (!allowExpired && claims.exp * 1000 <= options.now()) return 'expired'
    return { did: claims.sub, session: claims.sid, jti: claims.jti ?? null }
  }

  return {
    open: (did: string) => tokens(did, ++sessions),
    /** An access token: who it is for, or why not. */
    access(token: string): Checked {
      const found = check(token, 'at+jwt')
      return typeof found === 'object' && revoked.has(found.session) ? 'expired' : found
    },
    /** The next pair of tokens; `revoked` when the token was used or its session ended. Every second use is counted. */
    refresh(token: string): ReturnType<typeof tokens> | 'revoked' | 'expired' | 'invalid' {
      const found = check(token, 'refresh+jwt')
      if (typeof found === 'string') return found
      const stored = refreshes.get(found.jti ?? '')
      if (!stored || revoked.has(stored.session)) return 'revoked'
      if (stored.usedAt !== null) {
        options.counters().refreshTokenReused()
        if (options.reuse === 'revokes') revoked.add(stored.session)
        if (options.reuse !== 'grace' || options.now() > stored.usedAt + graceMs) return 'revoked'
      }
      stored.usedAt ??= options.now()
      stored.next ??= ids.hex(16)
      return tokens(stored.did, stored.session, stored.next)
    },
    /** Ends the session that a refresh token belongs to, also an expired one. False: not one of ours. */
    close(token: string): boolean {
      const found = check(token, 'refresh+jwt', true)
      if (typeof found === 'string') return false
      for (const [jti, stored] of refreshes) if (stored.session === found.session) refreshes.delete(jti)
      return true
    },
    /** Ends the sessions of one account, or all, at once: access tokens too. */
    revoke(did?: string) {
      for (const stored of refreshes.values()) if (did === undefined || stored.did === did) revoked.add(stored.session)
    },
    revokeSessionOf(token: string) {
      const claims = read(token, 'at+jwt') ?? read(token, 'refresh+jwt')
      if (claims) revoked.add(claims.sid)
    },
    /** Whose token this is, good or not. */
    ownerOf: (token: string): string | null => (read(token, 'at+jwt') ?? read(token, 'refresh+jwt'))?.sub ?? null,
  }
}
export type Sessions = ReturnType<typeof createSessions>

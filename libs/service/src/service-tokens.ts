import { randomUUID, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { AshevilleError, serviceNames, type ServiceName } from '@asheville/core'
import { jwtVerify, SignJWT } from 'jose'
import type { PublicKeys } from './config.ts'

/** Makes the token by which one of our services calls another, for a person or for none. */
export type Sign = (audience: ServiceName, userId: string | null) => Promise<string>

/** Who a service token speaks for. */
export interface Caller {
  from: ServiceName
  userId: string | null
}

/** Checks a service token; throws `unauthenticated`. */
export type Verify = (token: string) => Promise<Caller>

const lifetimeSeconds = 60
/** A token is handed out again for two thirds of its life, so that it outlives the call that carries it. */
const reuseMs = (lifetimeSeconds * 1000 * 2) / 3
const clockToleranceSeconds = 5
const maxCached = 10_000

/**
 * Signs service tokens: EdDSA JWTs of 60 s with `iss`, `aud`, `sub` (the person, where there is one) and `jti`.
 * `privateKey`: an Ed25519 key, PKCS8 as PEM or a JWK as JSON. Throws at once when it is neither.
 */
export function createSigner(options: { issuer: ServiceName; privateKey: string }): Sign {
  const key = readPrivateKey(options.privateKey)
  const cache = new Map<string, { token: Promise<string>; until: number }>()

  return (audience, userId) => {
    const name = `${audience} ${userId ?? ''}`
    const now = Date.now()
    const cached = cache.get(name)
    if (cached && cached.until > now && cached.until - now <= reuseMs) return cached.token
    if (cache.size >= maxCached) cache.clear()
    const token = signToken(key, options.issuer, audience, userId)
    cache.set(name, { token, until: now + reuseMs })
    return token
  }
}

function signToken(key: KeyObject, issuer: ServiceName, audience: ServiceName, userId: string | null): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const token = new SignJWT().setProtectedHeader({ alg: 'EdDSA', typ: 'JWT' }).setIssuer(issuer).setAudience(audience).setJti(randomUUID())
  token.setIssuedAt(now).setExpirationTime(now + lifetimeSeconds)
  if (userId !== null) token.setSubject(userId)
  return token.sign(key)
}

function readPrivateKey(text: string): KeyObject {
  let key: KeyObject
  try {
    key = text.trim().startsWith('{') ? createPrivateKey({ key: JSON.parse(text), format: 'jwk' }) : createPrivateKey(text)
  } catch {
    // The cause is left out: it may quote the key.
    throw new Error('SERVICE_PRIVATE_KEY must be an Ed25519 private key: PKCS8 as PEM, or a JWK as JSON')
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new Error('SERVICE_PRIVATE_KEY must be an Ed25519 private key')
  return key
}

/**
 * Verifies service tokens for us, `audience`: signed by the known key of the service that it names, for us, not expired,
 * and at most a minute old, whatever it claims. One that was found right is known again until it expires, as its bearer uses it for many calls.
 */
export function createVerifier(options: { audience: ServiceName; publicKeys: PublicKeys }): Verify {
  const keys = new Map<string, KeyObject>()
  for (const [name, jwk] of Object.entries(options.publicKeys)) keys.set(name, createPublicKey({ key: { ...jwk }, format: 'jwk' }))

  const known = new Map<string, { caller: Caller; until: number }>()

  return async (token) => {
    const cached = known.get(token)
    // By a clock that was set back a token may have become one of the future.
    const leftMs = cached ? cached.until - Date.now() : 0
    if (cached && leftMs > 0 && leftMs <= lifetimeSeconds * 1000) return cached.caller
    try {
      const issuer = serviceNames.find((name) => name === claimedIssuer(token))
      const key = issuer && keys.get(issuer)
      if (!issuer || !key) throw new Error('The issuer is not known')
      const { payload } = await jwtVerify(token, key, {
        algorithms: ['EdDSA', 'Ed25519'],
        issuer,
        audience: options.audience,
        maxTokenAge: lifetimeSeconds,
        clockTolerance: clockToleranceSeconds,
        requiredClaims: ['exp', 'iat', 'jti'],
      })
      if (payload.exp! - payload.iat! > lifetimeSeconds) throw new Error('It lives too long')
      const caller: Caller = { from: issuer, userId: payload.sub ?? null }
      if (known.size >= maxCached) known.clear()
      known.set(token, { caller, until: payload.exp! * 1000 })
      return caller
    } catch (error) {
      throw new AshevilleError('unauthenticated', 'The service token is not valid', { cause: error })
    }
  }
}

/** Only says which key to try; nothing is believed before the signature is checked. */
function claimedIssuer(token: string): unknown {
  const payload: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  return typeof payload === 'object' && payload !== null && 'iss' in payload ? payload.iss : null
}

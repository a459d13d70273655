import { createHmac, createPrivateKey, generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto'
import type { ServiceName } from '@asheville/core'

/** What a service token says, and who signs it; written here by hand, so that it may be wrong in every way. */
export interface Claims {
  iss: string
  aud: string
  /** The person; null leaves it out. */
  sub: string | null
  /** Seconds from now. */
  issuedIn?: number
  expiresIn?: number
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function payloadOf({ iss, aud, sub, issuedIn = 0, expiresIn = 60 }: Claims): string {
  const now = Math.floor(Date.now() / 1000)
  return encode({ iss, aud, jti: randomUUID(), iat: now + issuedIn, exp: now + expiresIn, ...(sub !== null && { sub }) })
}

/** An EdDSA JWT (RFC 8037) by that Ed25519 key. */
export function tokenBy(key: string | KeyObject, claims: Claims): string {
  const content = `${encode({ alg: 'EdDSA', typ: 'JWT' })}.${payloadOf(claims)}`
  return `${content}.${sign(null, Buffer.from(content), typeof key === 'string' ? createPrivateKey(key) : key).toString('base64url')}`
}

export interface Forged {
  name: string
  /** The whole Authorization header; null: none. */
  authorization: string | null
  /** What it must be answered with. */
  expected: 401 | 403
}

export interface ForgeOptions {
  audience: ServiceName
  from: readonly ServiceName[]
  /** Whether the route is for a person. */
  user: boolean
  /** Whose ids the call holds. */
  userId: string
  /** Somebody else. */
  otherId: string
  keys: Readonly<Record<ServiceName, string>>
  /** The public half of the signer's key, as JSON: what a token signed by HMAC would be checked with by a careless verifier. */
  publicKeys: string
}

const stranger = generateKeyPairSync('ed25519').privateKey

/** Every way to call that route without the right to; the rest of the call is right. */
export function forgeries({ audience, from, user, userId, otherId, keys, publicKeys }: ForgeOptions): Forged[] {
  const services = Object.keys(keys) as ServiceName[]
  const issuer = from[0]!
  const right: Claims = { iss: issuer, aud: audience, sub: user ? userId : null }
  const bearer = (token: string): string => `Bearer ${token}`
  const unauthenticated = (name: string, authorization: string | null): Forged => ({ name, authorization, expected: 401 })
  const forbidden = (name: string, authorization: string): Forged => ({ name, authorization, expected: 403 })
  const signed = (claims: Partial<Claims>, key: string | KeyObject = keys[issuer]): string => bearer(tokenBy(key, { ...right, ...claims }))
  const elsewhere = services.filter((name) => name !== audience)
  const [header = '', , signature = ''] = tokenBy(keys[issuer], { ...right, sub: otherId }).split('.')
  const unsigned = `${encode({ alg: 'none', typ: 'JWT' })}.${payloadOf(right)}`
  const hashed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${payloadOf(right)}`

  return [
    unauthenticated('nobody', null),
    unauthenticated('garbage', 'Bearer abc'),
    unauthenticated('garbage of three parts', `Bearer ${'a'.repeat(36)}.${'b'.repeat(80)}.${'c'.repeat(86)}`),
    unauthenticated('a password', `Basic ${Buffer.from('web:web').toString('base64')}`),
    unauthenticated('expired', signed({ issuedIn: -200, expiresIn: -140 })),
    unauthenticated('replayed after its minute, with a later end', signed({ issuedIn: -200, expiresIn: 3600 })),
    unauthenticated('of an hour', signed({ expiresIn: 3600 })),
    ...elsewhere.map((aud) => unauthenticated(`replayed, for ${aud}`, signed({ aud }))),
    unauthenticated('signed by a stranger', signed({}, stranger)),
    ...services.filter((name) => name !== issuer).map((name) => unauthenticated(`signed by ${name}`, signed({}, keys[name]))),
    unauthenticated('of an unknown service', signed({ iss: 'root' }, stranger)),
    unauthenticated('of another person, the subject exchanged', bearer(`${header}.${payloadOf(right)}.${signature}`)),
    unauthenticated('unsigned', bearer(`${unsigned}.`)),
    unauthenticated('unsigned with a signature', bearer(`${unsigned}.${signature}`)),
    unauthenticated(
      'signed with the public key',
      bearer(`${hashed}.${createHmac('sha256', publicKeys).update(hashed).digest('base64url')}`),
    ),
    ...services.filter((name) => !from.includes(name)).map((iss) => forbidden(`from ${iss}`, signed({ iss }, keys[iss]))),
    ...(user ? [forbidden('without a person', signed({ sub: null }))] : []),
  ]
}

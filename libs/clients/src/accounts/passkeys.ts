import { isIP } from 'node:net'
import { instantSchema, route } from '@asheville/core'
import { z } from 'zod'
import { forUser, from, id } from './parts.ts'
import { sessionRoutes } from './sessions.ts'

/**
 * The name that passkeys are bound to, at a website of this origin. Null where browsers keep none: without https (but on
 * `localhost`), or where the address is a number.
 */
export function passkeyDomain(webUrl: string): string | null {
  const { protocol, hostname } = new URL(webUrl)
  const isNamed = isIP(hostname.replace(/^\[|\]$/g, '')) === 0
  const isSecure = protocol === 'https:' || hostname === 'localhost' || hostname.endsWith('.localhost')
  return isNamed && isSecure ? hostname : null
}

export const passkeySchema = z.strictObject({
  id,
  name: z.string(),
  /** The person's devices share it by a password manager; else it is on one device alone. */
  isShared: z.boolean(),
  createdAt: instantSchema,
  lastUsedAt: instantSchema.nullable(),
})
export type Passkey = z.infer<typeof passkeySchema>

const passkeyName = z.string().trim().min(1, 'Give it a name').max(60, 'Use at most 60 characters')
const bytes = (maxLength: number) => z.base64url().min(1).max(maxLength)
const transports = z.array(z.string().regex(/^[a-z-]{1,20}$/)).max(10)
const descriptor = z.strictObject({ id: z.string(), type: z.literal('public-key'), transports: transports.optional() })
const visitor = z.string().min(20).max(200)
const { device } = sessionRoutes.createSession.body.shape

/** As `PublicKeyCredential.parseCreationOptionsFromJSON` takes them. */
export const creationOptionsSchema = z.strictObject({
  challenge: z.string(),
  rp: z.strictObject({ id: z.string(), name: z.string() }),
  user: z.strictObject({ id: z.string(), name: z.string(), displayName: z.string() }),
  pubKeyCredParams: z.array(z.strictObject({ type: z.literal('public-key'), alg: z.number().int() })),
  timeout: z.number().int(),
  excludeCredentials: z.array(descriptor),
  authenticatorSelection: z.strictObject({
    residentKey: z.literal('required'),
    requireResidentKey: z.literal(true),
    userVerification: z.literal('required'),
  }),
  attestation: z.literal('none'),
})

/** As `PublicKeyCredential.parseRequestOptionsFromJSON` takes them. */
export const requestOptionsSchema = z.strictObject({
  challenge: z.string(),
  rpId: z.string(),
  timeout: z.number().int(),
  userVerification: z.literal('required'),
})

/** Passkeys (WebAuthn): added and looked after by who is signed in, and signed in with. All are `conflict` where no browser keeps any. */
export const passkeyRoutes = {
  listPasskeys: route({
    method: 'GET',
    path: '/v1/passkeys',
    summary: 'The person’s passkeys, oldest first',
    policy: forUser('web'),
    reply: z.strictObject({ passkeys: z.array(passkeySchema) }),
  }),
  beginPasskey: route({
    method: 'POST',
    path: '/v1/passkeys/begin',
    summary: 'What a browser is to make a new passkey by, within five minutes and in this session; `conflict` when there are 50',
    policy: forUser('web'),
    /** `current`: the person's password, which shows that it is they who act; null for who has none, then the session must be new. */
    body: z.strictObject({ sessionId: id, current: z.string().max(200).nullable() }),
    reply: creationOptionsSchema,
  }),
  addPasskey: route({
    method: 'POST',
    path: '/v1/passkeys',
    summary: 'Keeps the passkey that a browser made; `forbidden` when it is not what this session asked for, `conflict` when it is known',
    policy: forUser('web'),
    body: z.strictObject({
      sessionId: id,
      name: passkeyName,
      credentialId: bytes(1400),
      clientDataJSON: bytes(4000),
      attestationObject: bytes(40_000),
      transports,
    }),
    reply: passkeySchema,
  }),
  renamePasskey: route({
    method: 'PATCH',
    path: '/v1/passkeys/:passkeyId',
    summary: 'Another name for a passkey',
    policy: forUser('web'),
    params: z.strictObject({ passkeyId: id }),
    body: z.strictObject({ name: passkeyName }),
    reply: passkeySchema,
  }),
  removePasskey: route({
    method: 'DELETE',
    path: '/v1/passkeys/:passkeyId',
    summary: 'Takes a passkey away; `conflict` when the person could not sign in any more',
    policy: forUser('web'),
    params: z.strictObject({ passkeyId: id }),
    reply: 'none',
  }),
  beginPasskeySignIn: route({
    method: 'POST',
    path: '/v1/passkeys/sign-in/begin',
    summary: 'What a visitor’s browser is to sign with any passkey of this website, within five minutes',
    policy: from('web'),
    body: z.strictObject({ visitor, device }),
    reply: requestOptionsSchema,
  }),
  finishPasskeySignIn: route({
    method: 'POST',
    path: '/v1/passkeys/sign-in',
    summary: 'Sign in by what a passkey signed for this visitor; whatever is wrong is `unauthenticated`',
    policy: from('web'),
    body: z.strictObject({
      visitor,
      device,
      credentialId: bytes(1400),
      clientDataJSON: bytes(4000),
      authenticatorData: bytes(4000),
      signature: bytes(4000),
      userHandle: bytes(100),
    }),
    reply: sessionRoutes.createSession.reply,
  }),
} as const

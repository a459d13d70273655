import { route } from '@asheville/core'
import { z } from 'zod'
import { device, sessionSchema, sessionToken } from './sessions.ts'
import { from, localeSchema } from './parts.ts'

/** What a person is sent to an authorisation server for. */
export const oauthPurposes = ['connect', 'identity', 'sign-in'] as const
export type OAuthPurpose = (typeof oauthPurposes)[number]

/**
 * What a `state` that came back says it is for, or null. It only tells which way to try: whether it was given out for that,
 * to this browser, only accounts knows.
 */
export function purposeOfState(state: string | undefined): OAuthPurpose | null {
  return oauthPurposes.find((purpose) => state?.startsWith(`${purpose}.`)) ?? null
}

export const callbackSchema = z.record(z.string().max(60), z.string().max(4000))
export const fieldsSchema = z.record(z.string().max(60), z.string().max(2000))

/** What the visitor cookie holds. */
const visitor = z.string().min(20).max(200)
const provider = z.string().max(40)

/** What can be done with an adapter on this server, as it is set up. */
export const providerSchema = z.strictObject({
  id: z.string(),
  kind: z.enum(['network', 'storage']),
  /** The operator has registered what it needs. */
  isReady: z.boolean(),
  /** People can sign in with it. */
  canSignIn: z.boolean(),
  /** The scopes that people are asked to allow there; none where nothing is asked for in that way. */
  asks: z.array(z.string()),
})
export type Provider = z.infer<typeof providerSchema>

/** Signing in with an account elsewhere. */
export const signInRoutes = {
  listProviders: route({
    method: 'GET',
    path: '/v1/providers',
    summary: 'What can be connected and signed in with on this server',
    policy: from('web'),
    reply: z.strictObject({ providers: z.array(providerSchema) }),
  }),
  beginSignIn: route({
    method: 'POST',
    path: '/v1/sign-in',
    summary: 'The address to send a browser to that wants to sign in with a storage; bound to that browser by its visitor cookie',
    policy: from('web'),
    body: z.strictObject({
      provider,
      fields: fieldsSchema,
      visitor,
      address: z.string().max(64),
      returnTo: z.string().max(500).nullable(),
    }),
    reply: z.strictObject({ url: z.url() }),
  }),
  finishSignIn: route({
    method: 'POST',
    path: '/v1/sign-in/finish',
    summary:
      'The browser came back with these query parameters: a session for the person whose account it is, a new person for a new account (`forbidden` where sign-up is closed)',
    policy: from('web'),
    body: z.strictObject({ provider, visitor, callback: callbackSchema, device, locale: localeSchema }),
    reply: z.strictObject({ token: sessionToken, session: sessionSchema, returnTo: z.string().nullable(), isNew: z.boolean() }),
  }),
} as const

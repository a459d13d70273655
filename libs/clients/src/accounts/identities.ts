import { instantSchema, route } from '@asheville/core'
import { z } from 'zod'
import { forUser, from, id } from './parts.ts'
import { userSchema } from './people.ts'
import { callbackSchema, fieldsSchema } from './sign-in.ts'

export const identitySchema = z.strictObject({
  id,
  /** `local` for e-mail and password, else the storage's id. */
  provider: z.string(),
  server: z.string().nullable(),
  /** The e-mail address, or the person's id at the provider, which stays the same whatever the handle becomes. */
  providerUserId: z.string(),
  handle: z.string().nullable(),
  createdAt: instantSchema,
  lastUsedAt: instantSchema.nullable(),
  /** The last way in is not. */
  isRemovable: z.boolean(),
})
export type Identity = z.infer<typeof identitySchema>

const provider = z.string().max(40)

/** Which accounts elsewhere a person signs in with, and who a person is by any of them. */
export const identityRoutes = {
  findUser: route({
    method: 'POST',
    path: '/v1/users/find',
    summary: 'The person of that id, of that account elsewhere, or of that e-mail address; `not-found` when there is none',
    policy: from('web', 'conductor', 'platform'),
    body: z.strictObject({
      by: z.discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('email'), email: z.string().max(320) }),
        z.strictObject({
          kind: z.literal('identity'),
          provider,
          server: z.string().max(2000).nullable(),
          providerUserId: z.string().max(1000),
        }),
        z.strictObject({ kind: z.literal('id'), userId: id }),
      ]),
    }),
    reply: userSchema,
  }),
  listIdentities: route({
    method: 'GET',
    path: '/v1/identities',
    summary: 'The accounts that the person signs in with, oldest first',
    policy: forUser('web'),
    reply: z.strictObject({ identities: z.array(identitySchema) }),
  }),
  beginIdentity: route({
    method: 'POST',
    path: '/v1/identities/begin',
    summary: 'The address to send the browser to for one more account to sign in with',
    policy: forUser('web'),
    body: z.strictObject({ provider, fields: fieldsSchema, sessionId: id }),
    reply: z.strictObject({ url: z.url() }),
  }),
  finishIdentity: route({
    method: 'POST',
    path: '/v1/identities/finish',
    summary: 'The browser came back with these query parameters; `conflict` when somebody else signs in with that account',
    policy: forUser('web'),
    body: z.strictObject({ provider, sessionId: id, callback: callbackSchema }),
    reply: z.strictObject({ identity: identitySchema }),
  }),
  removeIdentity: route({
    method: 'DELETE',
    path: '/v1/identities/:identityId',
    summary: 'Sign in with that account no more; `conflict` when it is the last way in',
    policy: forUser('web'),
    params: z.strictObject({ identityId: id }),
    reply: 'none',
  }),
} as const

import { instantSchema, route, scopeSchema } from '@asheville/core'
import { z } from 'zod'
import { forUser, from, id } from './parts.ts'

/** Days until a token ends, of which the person chooses one; null: not by itself. */
export const appTokenDays = [30, 90, 365, null] as const

/** What a person's programs come with: shown once, when it is made. */
export const appTokenSchema = z.strictObject({
  id,
  /** What the person calls it; no two of theirs are called the same. */
  name: z.string(),
  /** How it begins, to tell it from others. */
  begins: z.string(),
  scopes: z.array(scopeSchema),
  createdAt: instantSchema,
  /** null: it does not end by itself. */
  expiresAt: instantSchema.nullable(),
  /** Known to the minute. */
  lastUsedAt: instantSchema.nullable(),
})
export type AppToken = z.infer<typeof appTokenSchema>

/** What is said of a good token, to whoever was shown it. */
export const checkedTokenSchema = z.strictObject({
  id,
  userId: id,
  name: z.string(),
  scopes: z.array(scopeSchema),
  expiresAt: instantSchema.nullable(),
})
export type CheckedToken = z.infer<typeof checkedTokenSchema>

/** Tokens that people make for programs of theirs, or that they trust. */
export const appTokenRoutes = {
  listAppTokens: route({
    method: 'GET',
    path: '/v1/app-tokens',
    summary: 'The person’s tokens, newest first; what has ended by itself too',
    policy: forUser('web'),
    reply: z.strictObject({ tokens: z.array(appTokenSchema) }),
  }),
  createAppToken: route({
    method: 'POST',
    path: '/v1/app-tokens',
    summary: 'Make a token. `secret` is it, told this once; `current` as with other changes that need the person',
    policy: forUser('web'),
    body: z.strictObject({
      sessionId: id,
      current: z.string().max(200).nullable(),
      name: z
        .string()
        .trim()
        .min(1, 'Give it a name')
        .max(60, 'Use at most 60 characters')
        .regex(/^[^\p{Cc}]*$/u, 'Use letters, digits and signs alone'),
      scopes: z.array(scopeSchema).min(1, 'Choose what it may do').max(100),
      days: z.union(appTokenDays.map((days) => z.literal(days))),
    }),
    reply: z.strictObject({ secret: z.string(), token: appTokenSchema }),
  }),
  revokeAppToken: route({
    method: 'DELETE',
    path: '/v1/app-tokens/:appTokenId',
    summary: 'Take a token back: within a second it opens nothing any more',
    policy: forUser('web'),
    params: z.strictObject({ appTokenId: id }),
    reply: 'none',
  }),
  checkAppToken: route({
    method: 'POST',
    path: '/v1/app-tokens/check',
    summary: 'What a token is good for, noted as used; `unauthenticated` when it is none, has ended or was taken back',
    policy: from('platform'),
    body: z.strictObject({ appToken: z.string().max(200) }),
    reply: checkedTokenSchema,
  }),
} as const

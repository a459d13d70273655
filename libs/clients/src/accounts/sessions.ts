import { instantSchema, route } from '@asheville/core'
import { z } from 'zod'
import { count, forUser, from, id } from './parts.ts'
import { userSchema } from './people.ts'

export const sessionSchema = z.strictObject({ id, user: userSchema, expiresAt: instantSchema })
export type Session = z.infer<typeof sessionSchema>

export const sessionToken = z.string().min(20).max(200)
export const device = z.strictObject({ userAgent: z.string().max(500), address: z.string().max(64) })

/** A session as its person sees it among all of theirs. */
export const listedSessionSchema = z.strictObject({
  id,
  /** What it was opened with, as far as that says; `browser` may be an app. */
  device: z.strictObject({
    browser: z.string().nullable(),
    system: z.string().nullable(),
    kind: z.enum(['desktop', 'mobile', 'tablet', 'other']),
  }),
  /** From where it was opened; `place` where the operator has a file of places. */
  address: z.string(),
  place: z.string().nullable(),
  createdAt: instantSchema,
  /** Known to the minute. */
  usedAt: instantSchema,
  expiresAt: instantSchema,
})
export type ListedSession = z.infer<typeof listedSessionSchema>

/** Signing in and out. */
export const sessionRoutes = {
  createSession: route({
    method: 'POST',
    path: '/v1/sessions',
    summary: 'Sign in; a wrong e-mail or password is `unauthenticated`',
    policy: from('web'),
    body: z.strictObject({ email: z.string().max(320), password: z.string().max(200), device }),
    reply: z.strictObject({ token: sessionToken, session: sessionSchema }),
  }),
  checkSession: route({
    method: 'POST',
    path: '/v1/sessions/check',
    summary: 'Who a session token belongs to; `unauthenticated` when it has ended',
    policy: from('web'),
    body: z.strictObject({ token: sessionToken }),
    reply: sessionSchema,
  }),
  endSession: route({
    method: 'POST',
    path: '/v1/sessions/end',
    summary: 'Sign out',
    policy: from('web'),
    body: z.strictObject({ token: sessionToken }),
    reply: 'none',
  }),
  listSessions: route({
    method: 'GET',
    path: '/v1/sessions',
    summary: 'Where the person is signed in, the one used last first',
    policy: forUser('web'),
    reply: z.strictObject({ sessions: z.array(listedSessionSchema) }),
  }),
  revokeSession: route({
    method: 'DELETE',
    path: '/v1/sessions/:sessionId',
    summary: 'Sign the person out there',
    policy: forUser('web'),
    params: z.strictObject({ sessionId: id }),
    reply: 'none',
  }),
  revokeSessions: route({
    method: 'POST',
    path: '/v1/sessions/revoke',
    summary: 'Sign the person out everywhere, or everywhere but there',
    policy: forUser('web'),
    body: z.strictObject({ except: id.nullable() }),
    reply: z.strictObject({ ended: count }),
  }),
} as const

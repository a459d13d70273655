import { instantSchema, route } from '@asheville/core'
import { z } from 'zod'
import { from, id } from './parts.ts'
import { userSchema } from './people.ts'

export const sessionSchema = z.strictObject({ id, user: userSchema, expiresAt: instantSchema })
export type Session = z.infer<typeof sessionSchema>

export const sessionToken = z.string().min(20).max(200)
export const device = z.strictObject({ userAgent: z.string().max(500), address: z.string().max(64) })

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
} as const

import { instantSchema, route } from '@asheville/core'
import { z } from 'zod'
import { count, forUser, from, id, localeSchema } from './parts.ts'

export const userSchema = z.strictObject({
  id,
  name: z.string(),
  email: z.string().nullable(),
  role: z.enum(['owner', 'member']),
  locale: z.string(),
  createdAt: instantSchema,
})
export type User = z.infer<typeof userSchema>

export const nameSchema = z.string().trim().min(1, 'Write your name').max(100)
export const emailSchema = z.email('Write an e-mail address').max(320)
export const passwordSchema = z.string().min(10, 'Use at least 10 characters').max(200)

/** Who people are. */
export const peopleRoutes = {
  getSetup: route({
    method: 'GET',
    path: '/v1/setup',
    summary: 'Whether the owner account exists, whether others may sign up, whether this server sends mail',
    policy: from('web'),
    reply: z.strictObject({ hasOwner: z.boolean(), signUpOpen: z.boolean(), sendsMail: z.boolean() }),
  }),
  createUser: route({
    method: 'POST',
    path: '/v1/users',
    summary: 'Sign up with e-mail and password; the first person is the owner. Every person gets a connection to this server’s disk',
    policy: from('web'),
    body: z.strictObject({
      name: nameSchema,
      email: emailSchema,
      password: passwordSchema,
      locale: localeSchema,
      /** Of the visitor's browser: too many sign-ups from one place are refused. */
      address: z.string().max(64).optional(),
    }),
    reply: userSchema,
    idempotent: true,
  }),
  getUser: route({
    method: 'GET',
    path: '/v1/user',
    summary: 'The person',
    policy: forUser('web', 'platform', 'conductor'),
    reply: userSchema,
    etag: true,
  }),
  getTotals: route({
    method: 'GET',
    path: '/v1/totals',
    summary: 'How many people, how many connected each network and storage, votes for planned ones: for the public pages',
    policy: from('web'),
    reply: z.strictObject({
      people: count,
      connections: z.record(z.string(), count),
      storages: z.record(z.string(), count),
      votes: z.record(z.string(), count),
    }),
    etag: true,
  }),
} as const

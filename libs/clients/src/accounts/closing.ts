import { instantSchema, route } from '@asheville/core'
import { z } from 'zod'
import { count, forUser, from, id } from './parts.ts'

/** Where the closing of an account stands: work is being stopped, copies of what is known are forgotten, access is given back, rows go. */
export const closingSteps = ['stop', 'forget', 'revoke', 'delete', 'done'] as const

/**
 * What became of one access that the person gave: `revoked` there; `impossible`: the other side has no way to; `absent`: it was
 * given back already; `failed`: the other side was asked, and it did not work.
 */
export const revocationOutcomes = ['pending', 'revoked', 'impossible', 'absent', 'failed'] as const

/** What platform and the queues had of the person, and have no more. */
export const forgottenSchema = z.strictObject({ items: count, pages: count, media: count, others: count, jobs: count })
export type Forgotten = z.infer<typeof forgottenSchema>

/** What was done when an account was closed; it names no person. */
export const closingSchema = z.strictObject({
  step: z.enum(closingSteps),
  startedAt: instantSchema,
  finishedAt: instantSchema.nullable(),
  /** Ended at once. */
  jobs: count,
  sessions: count,
  grants: z.array(
    z.strictObject({
      provider: z.string(),
      server: z.string().nullable(),
      outcome: z.enum(revocationOutcomes),
      /** Why it has not worked (yet). */
      reason: z.string().nullable(),
      tries: count,
    }),
  ),
  /** Until when a provider that does not answer is asked again. */
  revokesUntil: instantSchema,
  storages: z.array(z.strictObject({ provider: z.string(), server: z.string().nullable(), files: z.enum(['kept', 'removed']) })),
  /** null: not yet. */
  forgotten: forgottenSchema.nullable(),
  /** Of accounts, by table; null: not yet. */
  rows: z.record(z.string(), count).nullable(),
})
export type Closing = z.infer<typeof closingSchema>

/** The secret of the link to a report, made by whoever asks for the closing: asked again with the same one, nothing more happens. */
const linkToken = z.string().min(40).max(200)

/** Cancelling the service, and taking one's data along. */
export const closingRoutes = {
  closeAccount: route({
    method: 'POST',
    path: '/v1/user/close',
    summary:
      'Close the person’s account: all sessions and work end at once, the rest follows by itself. `current` as with other changes that need the person; `conflict` for the owner while others have accounts',
    policy: forUser('web'),
    body: z.strictObject({ current: z.string().max(200).nullable(), sessionId: id, linkToken, removesFiles: z.boolean() }),
    reply: 'none',
  }),
  findClosing: route({
    method: 'POST',
    path: '/v1/closings/find',
    summary: 'The report of a closed account, for whoever has the link, until 30 days after it is done',
    policy: from('web'),
    body: z.strictObject({ linkToken }),
    reply: closingSchema,
  }),
  noteForgotten: route({
    method: 'POST',
    path: '/v1/closings/forgotten',
    summary: 'Queues, Redis and platform have forgotten a person whose account is being closed; said again, nothing changes',
    policy: forUser('conductor'),
    body: forgottenSchema,
    reply: 'none',
  }),
  exportPerson: route({
    method: 'GET',
    path: '/v1/user/export',
    summary: 'Everything that accounts knows about the person, as one JSON document; no secrets',
    policy: forUser('web'),
    reply: 'stream',
  }),
} as const

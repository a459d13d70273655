import { instantSchema, route } from '@asheville/core'
import { z } from 'zod'
import { count, cursor, forUser, from, limit, networkId } from './parts.ts'
import { userSchema } from './people.ts'

/** A person as the owner of this server sees them: no content, no connections by name. */
export const personSchema = userSchema.extend({
  connections: count,
  syncs: count,
  lastSyncedAt: instantSchema.nullable(),
  /** When they last used a session. */
  lastSeenAt: instantSchema.nullable(),
})
export type PersonFigures = z.infer<typeof personSchema>

/** How the owner of this server wants a network to be copied from. */
export const networkControlSchema = z.strictObject({
  network: networkId,
  /** Nothing of it begins, and what is under way ends at its checkpoint. */
  isPaused: z.boolean(),
  /** How many jobs of it begin in a minute, at most, by all workers together; null: as many as there are hands. */
  jobsPerMinute: z.number().int().min(1).max(1_000_000).nullable(),
})
export type NetworkControl = z.infer<typeof networkControlSchema>

/** What of a network Postgres holds, in streams. */
export const networkWorkSchema = z.strictObject({
  /** They are due, and nothing of them is begun. */
  due: count,
  /** Of these, for longer than five minutes. */
  late: count,
  oldestDueAt: instantSchema.nullable(),
  /** They are begun and not on the queue: they wait for long, or for their turn among those of the same person. */
  parked: count,
  /** A worker has them in hand. */
  leased: count,
})
export type NetworkWork = z.infer<typeof networkWorkSchema>

/** For the owner of this server; `forbidden` for everybody else. */
export const adminRoutes = {
  listUsers: route({
    method: 'GET',
    path: '/v1/users',
    summary: 'Everybody, newest first, with figures; `search`: names or e-mail addresses that begin so',
    policy: forUser('web'),
    query: z.strictObject({ cursor, limit, search: z.string().trim().max(320).default('') }),
    reply: z.strictObject({ users: z.array(personSchema), next: z.string().nullable() }),
    paged: true,
    etag: true,
  }),
  listControls: route({
    method: 'GET',
    path: '/v1/network-controls',
    summary: 'What the owner has said of networks; one that is not there goes freely',
    policy: from('conductor'),
    reply: z.strictObject({ controls: z.array(networkControlSchema) }),
  }),
  countWork: route({
    method: 'GET',
    path: '/v1/work',
    summary: 'What of each network is due, waits or is at work, as Postgres has it; of one that is not there, nothing',
    policy: from('conductor'),
    reply: z.strictObject({ networks: z.array(networkWorkSchema.extend({ network: networkId })) }),
  }),
  putControl: route({
    method: 'PUT',
    path: '/v1/network-controls/:network',
    summary: 'Pause or throttle a network, or let it go; the queues follow within seconds',
    policy: forUser('web'),
    params: networkControlSchema.pick({ network: true }),
    body: networkControlSchema.omit({ network: true }),
    reply: networkControlSchema,
  }),
} as const

import { instantSchema, route } from '@asheville/core'
import { z } from 'zod'
import { count, cursor, forUser, limit } from './parts.ts'
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
} as const

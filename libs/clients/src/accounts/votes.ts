import { route } from '@asheville/core'
import { z } from 'zod'
import { forUser } from './parts.ts'

/** A planned network or storage, by the id that its adapter will have. */
const provider = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/)

/** What people want to be able to connect: one vote each for anything that is planned. How many there are is among the totals. */
export const voteRoutes = {
  listVotes: route({
    method: 'GET',
    path: '/v1/votes',
    summary: 'What the person voted for',
    policy: forUser('web'),
    reply: z.strictObject({ providers: z.array(provider) }),
  }),
  putVote: route({
    method: 'PUT',
    path: '/v1/votes/:provider',
    summary: 'Vote for it; once more changes nothing. `not-found` for what is not planned, or there already',
    policy: forUser('web'),
    params: z.strictObject({ provider }),
    reply: 'none',
  }),
  withdrawVote: route({
    method: 'DELETE',
    path: '/v1/votes/:provider',
    summary: 'Take the vote back, if there is one',
    policy: forUser('web'),
    params: z.strictObject({ provider }),
    reply: 'none',
  }),
} as const

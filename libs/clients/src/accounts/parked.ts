import { route } from '@asheville/core'
import { z } from 'zod'
import { connectionSchema } from './connections.ts'
import { forUser, id } from './parts.ts'

/** Another account than the one to be reconnected: offered as one more. */
export const parkedRoutes = {
  getParked: route({
    method: 'GET',
    path: '/v1/connect/parked',
    summary: 'The account that was just signed in to while another was to be reconnected; for ten minutes it can be connected as one more',
    policy: forUser('web'),
    query: z.strictObject({ provider: z.string().max(40), sessionId: id }),
    reply: z.strictObject({ parkedId: id, provider: z.string(), handle: z.string(), title: z.string() }),
  }),
  connectParked: route({
    method: 'POST',
    path: '/v1/connect/parked',
    summary: 'Connect that account as one more, without asking the provider again; once. `not-found` when its time is over',
    policy: forUser('web'),
    body: z.strictObject({ parkedId: id, sessionId: id }),
    reply: z.strictObject({ connection: connectionSchema }),
  }),
} as const

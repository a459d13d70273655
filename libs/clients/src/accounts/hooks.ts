import { route } from '@asheville/core'
import { z } from 'zod'
import { from, networkId } from './parts.ts'

const params = z.strictObject({ network: networkId })

/** What networks send by themselves, as it came to the website: whether it is theirs, their adapters say. `not-found` for a network that sends nothing. */
export const hookRoutes = {
  confirmHook: route({
    method: 'POST',
    path: '/v1/hooks/:network/confirm',
    summary: 'A network asks whether it is to send something: what it is answered; null: it is not asked by whom it says',
    policy: from('web'),
    params,
    body: z.strictObject({ query: z.record(z.string().max(200), z.string().max(1000)) }),
    reply: z.strictObject({ answer: z.string().nullable() }),
  }),
  takeHook: route({
    method: 'POST',
    path: '/v1/hooks/:network',
    summary:
      'A network says what of whom has something new: these streams are due at once, or as soon after their last sync as this server allows. Said again it changes nothing; nor where the person has fixed how often, nor while the stream fails or waits. `forbidden` for what the network has not signed',
    policy: from('web'),
    params,
    body: z.strictObject({
      /** By their names in small letters; those that the adapter goes by. */
      headers: z.record(z.string().max(200), z.string().max(2000)),
      body: z.base64().max(700_000),
    }),
    reply: 'none',
  }),
} as const

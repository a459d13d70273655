import { contentTypeSchema, instantSchema, route } from '@asheville/core'
import { z } from 'zod'
import { storedMediaCountSchema } from './platform.ts'
import { connectionSchema, streamStatusSchema, syncSchema } from './accounts/index.ts'

const id = z.uuid()
const web = { who: 'service', from: ['web'], user: true } as const
const count = z.number().int().nonnegative()

/** One connection with its streams and what is stored of it, for the status page. */
export const networkStatusSchema = z.strictObject({
  connection: connectionSchema,
  streams: z.array(streamStatusSchema),
  /** null: platform does not answer just now, so nobody knows; never shown as nothing stored. */
  stored: z
    .array(
      z.strictObject({
        contentType: contentTypeSchema,
        items: count,
        /** What the network says exists, where it says so. */
        available: count.nullable(),
        oldest: instantSchema.nullable(),
        newest: instantSchema.nullable(),
      }),
    )
    .nullable(),
  /** Of a network that charges for it, in this calendar month (UTC). */
  readsThisMonth: count,
})
export type NetworkStatus = z.infer<typeof networkStatusSchema>

/** What is told live, per person. It says what changed, never any content. */
export const liveEventSchema = z.discriminatedUnion('type', [
  /** A batch was stored: what it added, to be summed up. */
  z.strictObject({ type: z.literal('progress'), connectionId: id, stream: z.string(), new: count, changed: count, pages: count }),
  z.strictObject({ type: z.literal('stream'), connectionId: id, stream: z.string(), state: z.string() }),
  z.strictObject({ type: z.literal('sync'), syncId: id, state: z.string() }),
])
export type LiveEvent = z.infer<typeof liveEventSchema>

/** Conductor's HTTP API. */
export const conductorRoutes = {
  createSync: route({
    method: 'POST',
    path: '/v1/syncs',
    summary: 'Sync all connected networks, or these connections, now; asked again while it runs, the same sync',
    policy: web,
    body: z.strictObject({ trigger: syncSchema.shape.trigger, connectionIds: z.array(id).min(1).nullable() }),
    reply: z.strictObject({ sync: syncSchema, created: z.boolean() }),
  }),
  getStatus: route({
    method: 'GET',
    path: '/v1/status',
    summary: 'Every connected network: its state, what is available and stored, what it waits for',
    policy: web,
    reply: z.strictObject({
      networks: z.array(networkStatusSchema),
      syncs: z.array(syncSchema),
      /** null: as with `stored`. */
      media: z.array(storedMediaCountSchema).nullable(),
    }),
  }),
  cancelSync: route({
    method: 'POST',
    path: '/v1/syncs/:syncId/cancel',
    summary: 'Cancel a sync; checkpoints are kept',
    policy: web,
    params: z.strictObject({ syncId: id }),
    reply: syncSchema,
  }),
  events: route({
    method: 'GET',
    path: '/v1/events',
    summary: 'Live events of the person (Server-Sent Events), resumed after Last-Event-ID',
    policy: web,
    reply: 'events',
  }),
} as const

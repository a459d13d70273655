import { contentTypeSchema, instantSchema, route, skippedItemSchema, walkKinds } from '@asheville/core'
import { z } from 'zod'
import { connectionSchema, monthlyReadsSchema, rangeSchema } from './connections.ts'
import { count, cursor, forUser, from, id, limit, networkId, streamName } from './parts.ts'

/** What happened to the items of a batch, as platform answered, plus what the adapter skipped. */
export const tallySchema = z.strictObject({ new: count, changed: count, unchanged: count, gone: count, skipped: count })
export type Tally = z.infer<typeof tallySchema>

export const availableSchema = z.partialRecord(contentTypeSchema, count)

/** Where a stream's work stands, in a word, for the conductor and the status page. */
export const streamStates = ['idle', 'queued', 'running', 'waiting', 'retrying', 'failed', 'cancelled'] as const

export const streamStatusSchema = z.strictObject({
  connectionId: id,
  stream: streamName,
  state: z.enum(streamStates),
  /** What the person reads about `waiting`, `retrying` and `failed`. */
  reason: z.string().nullable(),
  /** For `waiting` and `retrying`: until when. */
  until: instantSchema.nullable(),
  /** Backfill still open. */
  backfilling: z.boolean(),
  available: availableSchema,
  /** Since the current (or else the last) sync began. */
  tally: tallySchema,
  /** The last few skipped items. */
  skipped: z.array(skippedItemSchema),
  pages: count,
  lastSyncedAt: instantSchema.nullable(),
  nextDueAt: instantSchema.nullable(),
})
export type StreamStatus = z.infer<typeof streamStatusSchema>

export const syncStates = ['running', 'done', 'failed', 'cancelled'] as const

export const syncSchema = z.strictObject({
  id,
  userId: id,
  trigger: z.enum(['person', 'schedule', 'connect']),
  state: z.enum(syncStates),
  createdAt: instantSchema,
  finishedAt: instantSchema.nullable(),
  tally: tallySchema,
})
export type Sync = z.infer<typeof syncSchema>

export const syncResultStates = ['queued', 'running', 'waiting', 'retrying', 'done', 'failed', 'cancelled'] as const

/** What one sync did on one stream, or does. */
export const syncResultSchema = z.strictObject({
  connectionId: id,
  provider: z.string(),
  handle: z.string(),
  stream: streamName,
  state: z.enum(syncResultStates),
  /** What the person reads about `waiting`, `retrying` and `failed`. */
  reason: z.string().nullable(),
  tally: tallySchema,
  pages: count,
  /** The last few skipped items, and why. */
  skipped: z.array(skippedItemSchema),
  finishedAt: instantSchema.nullable(),
})
export type SyncResult = z.infer<typeof syncResultSchema>

/** What the conductor enqueues: ids only. One job per (connection, stream). */
export const syncJobSchema = z.strictObject({
  syncId: id,
  userId: id,
  connectionId: id,
  network: z.string(),
  stream: streamName,
  trigger: syncSchema.shape.trigger,
})
export type SyncJob = z.infer<typeof syncJobSchema>

/**
 * Where a sync begins. `checkpoint`: it goes on, with what is new and with what is left of the history (an incremental sync). `scratch`: everything
 * is pulled again (a full one); what is stored already stays, and is only compared.
 */
export const startSchema = z.enum(['checkpoint', 'scratch'])
export type SyncStart = z.infer<typeof startSchema>

/** What of a person's networks a sync is about: what fits all that is said. */
export const wishSchema = z.strictObject({
  /** null: every connected network. */
  connectionIds: z.array(id).min(1).max(100).nullable(),
  /** The adapters' ids: `mastodon`. */
  networks: z.array(z.string().min(1).max(40)).min(1).max(50).optional(),
  /** Whatever carries at least one of them. */
  contentTypes: z.array(contentTypeSchema).min(1).optional(),
  from: startSchema.default('checkpoint'),
})
export type Wish = z.infer<typeof wishSchema>

export const plannedConnectionSchema = z.strictObject({
  connectionId: id,
  provider: z.string(),
  handle: z.string(),
  streams: z.array(
    z.strictObject({
      stream: streamName,
      contentTypes: z.array(contentTypeSchema),
      /** What would be walked, as far as is known before the network is asked. */
      walks: z.array(z.enum(walkKinds)),
      /** It is worked on already: a sync from the checkpoint leaves it as it is. */
      isUnderWay: z.boolean(),
      /** How many items the network said last that there are. */
      available: availableSchema,
    }),
  ),
})
export type PlannedConnection = z.infer<typeof plannedConnectionSchema>

/** Syncs, and the work that they are made of. */
export const syncRoutes = {
  createSync: route({
    method: 'POST',
    path: '/v1/syncs',
    summary: 'Start a sync of all networks, or of those connections; asked again while it runs, the same sync with `created: false`',
    policy: forUser('conductor'),
    body: wishSchema.extend({ trigger: syncSchema.shape.trigger }),
    reply: z.strictObject({ sync: syncSchema, created: z.boolean(), jobs: z.array(syncJobSchema) }),
  }),
  planSync: route({
    method: 'POST',
    path: '/v1/syncs/plan',
    summary: 'What a sync like this would do; nothing is started, and no network is asked',
    policy: forUser('conductor'),
    body: wishSchema,
    reply: z.strictObject({ connections: z.array(plannedConnectionSchema) }),
  }),
  getSync: route({
    method: 'GET',
    path: '/v1/syncs/:syncId',
    summary: 'One sync with its result for each stream',
    policy: forUser('conductor', 'web'),
    params: z.strictObject({ syncId: id }),
    reply: syncSchema.extend({ results: z.array(syncResultSchema) }),
    etag: true,
  }),
  listSyncs: route({
    method: 'GET',
    path: '/v1/syncs',
    summary: 'The person’s syncs, newest first',
    policy: forUser('conductor', 'web'),
    query: z.strictObject({ cursor, limit }),
    reply: z.strictObject({ syncs: z.array(syncSchema), next: z.string().nullable() }),
    paged: true,
    etag: true,
  }),
  cancelSync: route({
    method: 'POST',
    path: '/v1/syncs/:syncId/cancel',
    summary: 'Cancel: queued jobs end at once, running ones at their next checkpoint or heartbeat; checkpoints are kept',
    policy: forUser('conductor'),
    params: z.strictObject({ syncId: id }),
    reply: z.strictObject({ sync: syncSchema, jobs: z.array(syncJobSchema) }),
  }),
  cancelWork: route({
    method: 'POST',
    path: '/v1/syncs/cancel',
    summary: 'The same for whatever is under way of the person, or of one connection; `sync` is null when nothing was',
    policy: forUser('conductor'),
    body: z.strictObject({ connectionId: id.nullable() }),
    reply: z.strictObject({ sync: syncSchema.nullable(), jobs: z.array(syncJobSchema) }),
  }),
  restartStreams: route({
    method: 'POST',
    path: '/v1/connections/:connectionId/restart',
    summary: 'Break off what is under way of a connection, or of one of its streams, and begin again at once',
    policy: forUser('conductor'),
    params: z.strictObject({ connectionId: id }),
    body: z.strictObject({ stream: streamName.nullable(), from: startSchema }),
    reply: z.strictObject({ sync: syncSchema, jobs: z.array(syncJobSchema) }),
  }),
  rewalkStreams: route({
    method: 'POST',
    path: '/v1/rewalk',
    summary: 'Walk through these ranges of streams once more, and have their pending files had again, in a sync that begins now',
    policy: forUser('conductor'),
    body: z.strictObject({
      streams: z
        .array(z.strictObject({ connectionId: id, stream: streamName, ranges: z.array(rangeSchema).max(100) }))
        .min(1)
        .max(200),
    }),
    reply: z.strictObject({ sync: syncSchema, created: z.boolean(), jobs: z.array(syncJobSchema) }),
  }),
  listStreams: route({
    method: 'GET',
    path: '/v1/streams',
    summary: 'Where every stream of the person’s connections stands',
    policy: forUser('conductor', 'web'),
    reply: z.strictObject({ streams: z.array(streamStatusSchema) }),
  }),
  getOverview: route({
    method: 'GET',
    path: '/v1/overview',
    summary:
      'What a status is told from: the person’s networks, where each of their streams stands, the last ten syncs, what was read this month',
    policy: forUser('conductor'),
    reply: z.strictObject({
      connections: z.array(connectionSchema),
      streams: z.array(streamStatusSchema),
      syncs: z.array(syncSchema),
      reads: z.array(monthlyReadsSchema),
    }),
  }),
  claimDue: route({
    method: 'POST',
    path: '/v1/due',
    summary: 'Claim work to enqueue: streams that are due (a sync is started for them) and unfinished jobs that nobody holds',
    policy: from('conductor'),
    body: z.strictObject({ limit: z.number().int().min(1).max(1000) }),
    reply: z.strictObject({ jobs: z.array(syncJobSchema) }),
  }),
  listLeases: route({
    method: 'GET',
    path: '/v1/leases',
    summary: 'Every live lease, so that `running:<user_id>` can be derived again',
    policy: from('conductor'),
    reply: z.strictObject({ leases: z.array(z.strictObject({ userId: id, network: networkId, connectionId: id, stream: streamName })) }),
  }),
  claimOutbox: route({
    method: 'POST',
    path: '/v1/outbox/claim',
    summary: 'Take what is to be announced; claimed rows return if they are not acknowledged within a minute',
    policy: from('conductor'),
    body: z.strictObject({ limit: z.number().int().min(1).max(500) }),
    reply: z.strictObject({
      messages: z.array(
        z.strictObject({
          id,
          userId: id,
          kind: z.enum(['sync-finished', 'reconnect-needed', 'storage-full', 'stop-work', 'forget-person', 'remove-copies']),
          payload: z.record(z.string(), z.unknown()),
        }),
      ),
    }),
  }),
  acknowledgeOutbox: route({
    method: 'POST',
    path: '/v1/outbox/acknowledge',
    summary: 'These were announced',
    policy: from('conductor'),
    body: z.strictObject({ ids: z.array(id).max(500) }),
    reply: 'none',
  }),
} as const

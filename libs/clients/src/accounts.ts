import { contentTypeSchema, instantSchema, route, skippedItemSchema, walkKinds, type ServiceName } from '@asheville/core'
import { z } from 'zod'

const from = (...services: ServiceName[]) => ({ who: 'service', from: services, user: false }) as const
const forUser = (...services: ServiceName[]) => ({ who: 'service', from: services, user: true }) as const

const id = z.uuid()
const streamName = z.string().regex(/^[a-z-]{1,40}$/)
const count = z.number().int().nonnegative()

export const userSchema = z.strictObject({
  id,
  name: z.string(),
  email: z.string().nullable(),
  role: z.enum(['owner', 'member']),
  locale: z.string(),
  createdAt: instantSchema,
})
export type User = z.infer<typeof userSchema>

/** Publication dates to copy, `from` included, `to` not; null is unbounded. */
export const rangeSchema = z.strictObject({ from: instantSchema.nullable(), to: instantSchema.nullable() })

export const connectionSettingsSchema = z.strictObject({
  /** null: all that the network offers. */
  contentTypes: z.array(contentTypeSchema).nullable(),
  range: rangeSchema,
})
export type ConnectionSettings = z.infer<typeof connectionSettingsSchema>

export const connectionStates = ['active', 'paused', 'reconnect', 'full'] as const

export const connectionSchema = z.strictObject({
  id,
  userId: id,
  kind: z.enum(['network', 'storage']),
  /** The adapter's id: `mastodon`, `local`. */
  provider: z.string(),
  accountId: z.string(),
  handle: z.string(),
  title: z.string(),
  url: z.string().nullable(),
  /** The server's origin, for networks that have many. */
  server: z.string().nullable(),
  /** What the person filled in, secrets left out. */
  fields: z.record(z.string(), z.string()),
  settings: connectionSettingsSchema,
  /** For a network: the connection of the storage that its items go to. */
  storageId: id.nullable(),
  state: z.enum(connectionStates),
  /** Why it is not active, for the person to read. */
  stateReason: z.string().nullable(),
  createdAt: instantSchema,
})
export type Connection = z.infer<typeof connectionSchema>

export const walkSchema = z.strictObject({
  id: z.string().min(1).max(200),
  kind: z.enum(walkKinds),
  range: rangeSchema,
  cursor: z.string().nullable(),
})

/** What happened to the items of a batch, as platform answered, plus what the adapter skipped. */
export const tallySchema = z.strictObject({ new: count, changed: count, unchanged: count, gone: count, skipped: count })
export type Tally = z.infer<typeof tallySchema>

const availableSchema = z.partialRecord(contentTypeSchema, count)

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

/** The lease on a stream: `fence` grows with every lease; whoever writes with an older one is refused. */
const leasedSchema = z.strictObject({ expiresAt: instantSchema, cancelled: z.boolean() })

export const streamPath = z.strictObject({ connectionId: id, stream: streamName })
const fence = z.number().int().positive()

/** How a slice of work on a stream ended. `yielded`: more to do at once; `waiting`: not before `until`. */
export const outcomeSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('done') }),
  z.strictObject({ kind: z.literal('yielded') }),
  z.strictObject({ kind: z.literal('waiting'), until: instantSchema, reason: z.string() }),
  z.strictObject({ kind: z.literal('retrying'), until: instantSchema, reason: z.string() }),
  z.strictObject({ kind: z.literal('cancelled') }),
  z.strictObject({
    kind: z.literal('failed'),
    error: z.enum(['reconnect-required', 'storage-full', 'invalid', 'unexpected', 'unavailable']),
    reason: z.string(),
  }),
])
export type Outcome = z.infer<typeof outcomeSchema>

export const sessionSchema = z.strictObject({ id, user: userSchema, expiresAt: instantSchema })
export type Session = z.infer<typeof sessionSchema>

const password = z.string().min(10, 'Use at least 10 characters').max(200)
const sessionToken = z.string().min(20).max(200)
const device = z.strictObject({ userAgent: z.string().max(500), address: z.string().max(64) })

/** Accounts' HTTP API. */
export const accountsRoutes = {
  getSetup: route({
    method: 'GET',
    path: '/v1/setup',
    summary: 'Whether the owner account exists, and whether others may sign up',
    policy: from('web'),
    reply: z.strictObject({ hasOwner: z.boolean(), signUpOpen: z.boolean() }),
  }),
  createUser: route({
    method: 'POST',
    path: '/v1/users',
    summary: 'Sign up with e-mail and password; the first person is the owner. Every person gets a connection to this server’s disk',
    policy: from('web'),
    body: z.strictObject({
      name: z.string().trim().min(1, 'Write your name').max(100),
      email: z.email('Write an e-mail address'),
      password,
      locale: z.string().max(20),
    }),
    reply: userSchema,
  }),
  getUser: route({
    method: 'GET',
    path: '/v1/user',
    summary: 'The person',
    policy: forUser('web', 'platform', 'conductor'),
    reply: userSchema,
  }),
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

  listConnections: route({
    method: 'GET',
    path: '/v1/connections',
    summary: 'The person’s networks and storages, oldest first',
    policy: forUser('web', 'conductor', 'platform'),
    query: z.strictObject({ kind: z.enum(['network', 'storage']).optional() }),
    reply: z.strictObject({ connections: z.array(connectionSchema) }),
  }),
  getConnection: route({
    method: 'GET',
    path: '/v1/connections/:connectionId',
    summary: 'One connection',
    policy: forUser('web', 'conductor', 'workers', 'platform'),
    params: z.strictObject({ connectionId: id }),
    reply: connectionSchema,
  }),
  beginConnect: route({
    method: 'POST',
    path: '/v1/connect',
    summary: 'Link an account: tested and saved at once, or the address to send the browser to. With `reconnects`, the same account again',
    policy: forUser('web'),
    body: z.strictObject({
      provider: z.string().max(40),
      fields: z.record(z.string().max(60), z.string().max(2000)),
      sessionId: id,
      reconnects: id.nullable(),
    }),
    reply: z.discriminatedUnion('next', [
      z.strictObject({ next: z.literal('connected'), connection: connectionSchema }),
      z.strictObject({ next: z.literal('authorize'), url: z.url() }),
    ]),
  }),
  finishConnect: route({
    method: 'POST',
    path: '/v1/connect/finish',
    summary:
      'The authorisation server sent the browser back with these query parameters; bound to session, person and provider, single use',
    policy: forUser('web'),
    body: z.strictObject({ provider: z.string().max(40), sessionId: id, callback: z.record(z.string().max(60), z.string().max(4000)) }),
    reply: z.strictObject({ connection: connectionSchema }),
  }),
  updateConnection: route({
    method: 'PATCH',
    path: '/v1/connections/:connectionId',
    summary: 'Change settings, pause or resume',
    policy: forUser('web', 'conductor'),
    params: z.strictObject({ connectionId: id }),
    body: z.strictObject({ settings: connectionSettingsSchema.partial().optional(), paused: z.boolean().optional() }),
    reply: connectionSchema,
  }),
  removeConnection: route({
    method: 'DELETE',
    path: '/v1/connections/:connectionId',
    summary: 'Disconnect: its work is cancelled, its tokens revoked upstream and deleted; what was copied stays',
    policy: forUser('web'),
    params: z.strictObject({ connectionId: id }),
    reply: 'none',
  }),
  getAccess: route({
    method: 'POST',
    path: '/v1/connections/:connectionId/access',
    summary: 'A current access token, refreshed if need be; never the refresh token. `reconnect-required` when the grant is dead',
    policy: forUser('workers', 'platform'),
    params: z.strictObject({ connectionId: id }),
    /** `rejected`: the token that the other side just refused, so that a fresh one is got. */
    body: z.strictObject({ rejected: z.string().max(8192).nullable() }),
    reply: z.strictObject({ accessToken: z.string().nullable(), expiresAt: instantSchema.nullable() }),
  }),

  createSync: route({
    method: 'POST',
    path: '/v1/syncs',
    summary: 'Start a sync of all networks, or of those connections; asked again while it runs, the same sync with `created: false`',
    policy: forUser('conductor'),
    body: z.strictObject({ trigger: syncSchema.shape.trigger, connectionIds: z.array(id).min(1).nullable() }),
    reply: z.strictObject({ sync: syncSchema, created: z.boolean(), jobs: z.array(syncJobSchema) }),
  }),
  getSync: route({
    method: 'GET',
    path: '/v1/syncs/:syncId',
    summary: 'One sync',
    policy: forUser('conductor', 'web'),
    params: z.strictObject({ syncId: id }),
    reply: syncSchema,
  }),
  listSyncs: route({
    method: 'GET',
    path: '/v1/syncs',
    summary: 'The person’s syncs, newest first',
    policy: forUser('conductor', 'web'),
    query: z.strictObject({ limit: z.coerce.number().int().min(1).max(100).default(20) }),
    reply: z.strictObject({ syncs: z.array(syncSchema) }),
  }),
  cancelSync: route({
    method: 'POST',
    path: '/v1/syncs/:syncId/cancel',
    summary: 'Cancel: queued jobs end at once, running ones at their next checkpoint or heartbeat; checkpoints are kept',
    policy: forUser('conductor'),
    params: z.strictObject({ syncId: id }),
    reply: z.strictObject({ sync: syncSchema, jobs: z.array(syncJobSchema) }),
  }),
  listStreams: route({
    method: 'GET',
    path: '/v1/streams',
    summary: 'Where every stream of the person’s connections stands',
    policy: forUser('conductor', 'web'),
    reply: z.strictObject({ streams: z.array(streamStatusSchema) }),
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
    reply: z.strictObject({ leases: z.array(z.strictObject({ userId: id, connectionId: id, stream: streamName })) }),
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
          kind: z.enum(['sync-finished', 'reconnect-needed', 'storage-full']),
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

  takeLease: route({
    method: 'POST',
    path: '/v1/connections/:connectionId/streams/:stream/lease',
    summary:
      'Take the stream for 30 s with a grown fence; `conflict` while another holds it; the same holder, started again, takes its own over; null when there is nothing left to do (cancelled, removed, paused, done)',
    policy: forUser('workers'),
    params: streamPath,
    body: z.strictObject({ syncId: id, holder: z.string().min(1).max(100), streamVersion: z.number().int().positive() }),
    reply: z.strictObject({
      lease: z
        .strictObject({
          fence,
          expiresAt: instantSchema,
          connection: connectionSchema,
          storageId: id,
          head: z.string().nullable(),
          /** Open walks, in the order they were planned. */
          walks: z.array(walkSchema),
          /** This sync has not planned its walks yet. */
          needsPlan: z.boolean(),
          /** How often in a row this stream returned `retrying` since a checkpoint was last saved; the worker's backoff grows with it. */
          attempts: count,
        })
        .nullable(),
    }),
  }),
  savePlan: route({
    method: 'POST',
    path: '/v1/connections/:connectionId/streams/:stream/plan',
    summary: 'Add the walks that this sync planned; `conflict` for an older fence',
    policy: forUser('workers'),
    params: streamPath,
    body: z.strictObject({ fence, walks: z.array(walkSchema).max(100), replaces: z.array(z.string()) }),
    reply: leasedSchema,
  }),
  saveCheckpoint: route({
    method: 'POST',
    path: '/v1/connections/:connectionId/streams/:stream/checkpoint',
    summary: 'A batch is safely stored: move the walk’s cursor, count, renew the lease; `conflict` for an older fence',
    policy: forUser('workers'),
    params: streamPath,
    body: z.strictObject({
      fence,
      walkId: z.string(),
      /** null: the walk is complete. */
      cursor: z.string().nullable(),
      head: z.string().nullable(),
      pages: count,
      tally: tallySchema,
      skipped: z.array(skippedItemSchema).max(20),
      available: availableSchema,
    }),
    reply: leasedSchema,
  }),
  renewLease: route({
    method: 'POST',
    path: '/v1/connections/:connectionId/streams/:stream/renew',
    summary: 'Heartbeat; `conflict` for an older fence',
    policy: forUser('workers'),
    params: streamPath,
    body: z.strictObject({ fence }),
    reply: leasedSchema,
  }),
  returnLease: route({
    method: 'POST',
    path: '/v1/connections/:connectionId/streams/:stream/return',
    summary: 'Give the stream back with the outcome; the last stream’s result closes the sync in the same transaction',
    policy: forUser('workers'),
    params: streamPath,
    body: z.strictObject({ fence, outcome: outcomeSchema }),
    reply: z.strictObject({ syncState: z.enum(syncStates) }),
  }),
  getTotals: route({
    method: 'GET',
    path: '/v1/totals',
    summary: 'How many people, connections by network, for the public pages',
    policy: from('web'),
    reply: z.strictObject({ people: count, connections: z.record(z.string(), count) }),
  }),
} as const

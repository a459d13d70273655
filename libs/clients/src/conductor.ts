import { contentTypeSchema, instantSchema, route } from '@asheville/core'
import { z } from 'zod'
import {
  accountsRoutes,
  connectionSchema,
  connectionStates,
  networkControlSchema,
  networkWorkSchema,
  plannedConnectionSchema,
  startSchema,
  streamStatusSchema,
  syncSchema,
  wishSchema,
} from './accounts/index.ts'
import { storedMediaCountSchema } from './platform/index.ts'

const id = z.uuid()
const web = { who: 'service', from: ['web'], user: true } as const
const count = z.number().int().nonnegative()

/**
 * Where copying stands, in a word for the person:
 * - `clearing`: its copies are being removed, and nothing of it is pulled meanwhile.
 * - `syncing`: it is being pulled.
 * - `queued`: it is about to be, or goes on at `until`.
 * - `waiting`: `waitsFor` allows no more requests before `until`.
 * - `retrying`: it did not work, and is tried again at `until`.
 * - `action-required`: it does not go on before the person has done `action`, or what `reason` says.
 * - `paused`: by the person, or for the `reason` that is told.
 * - `late`: it should have begun by now.
 * - `on-time`: it is up to date, and is looked at again at `nextRunAt`.
 * - `done`: nothing more is planned.
 */
const standings = ['clearing', 'syncing', 'queued', 'waiting', 'retrying', 'action-required', 'paused', 'late', 'on-time', 'done'] as const
export type StandingWord = (typeof standings)[number]

/**
 * `raise-bound`: the person's own bound of reads a month is reached; it goes on by itself at `until`. `allow`: they did not allow it when they
 * connected, or were not asked for it; whatever else there is goes on.
 */
const actions = ['reconnect', 'free-space', 'raise-bound', 'allow'] as const

const standing = {
  word: z.enum(standings),
  /** The server or network by its name; null: nobody but the calendar. */
  waitsFor: z.string().nullable(),
  until: instantSchema.nullable(),
  /** Why, for the person to read, where there is more to be said. */
  reason: z.string().nullable(),
  action: z.enum(actions).nullable(),
  /** All that was there when it was looked at last has been copied. */
  isComplete: z.boolean(),
  /** While syncing, over the last minutes; null: not known yet. */
  itemsPerMinute: z.number().nonnegative().nullable(),
  /** Until the history is copied, at that rate; null where the network does not say how much there is. */
  secondsLeft: count.nullable(),
  lastSyncedAt: instantSchema.nullable(),
  nextRunAt: instantSchema.nullable(),
}
export const standingSchema = z.strictObject(standing)
export type Standing = z.infer<typeof standingSchema>

/** One content type of a connection. */
export const typeStatusSchema = z.strictObject({
  contentType: contentTypeSchema,
  ...standing,
  /** null: platform does not answer just now, so nobody knows; never shown as nothing stored. */
  stored: count.nullable(),
  /** What the network says exists, where it says so. */
  available: count.nullable(),
  /** Dates of what is stored. */
  oldest: instantSchema.nullable(),
  newest: instantSchema.nullable(),
  /**
   * Dates of what the network has, as they were found by going through all of it; null: not known, as that is not done yet, the person does not want all of it, or (of
   * the oldest) the network does not give all of it.
   */
  oldestAvailable: instantSchema.nullable(),
  newestAvailable: instantSchema.nullable(),
})
export type TypeStatus = z.infer<typeof typeStatusSchema>

/** One connection, by content type, and with the streams that its types are pulled by. */
export const networkStatusSchema = z.strictObject({
  connection: connectionSchema,
  ...standing,
  types: z.array(typeStatusSchema),
  streams: z.array(streamStatusSchema),
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
  z.strictObject({ type: z.literal('connection'), connectionId: id, state: z.enum(connectionStates) }),
])
export type LiveEvent = z.infer<typeof liveEventSchema>

const ofConnection = z.strictObject({ connectionId: id })
const ended = z.strictObject({ sync: syncSchema.nullable() })

/** A network's queue, for the owner of the server. */
export const queueStatusSchema = networkControlSchema.extend({
  waiting: count,
  active: count,
  delayed: count,
  failed: count,
  oldestWaitingAt: instantSchema.nullable(),
  /** What is not on the queue. */
  inPostgres: networkWorkSchema,
  /** What the network itself holds all of its jobs back by. */
  held: z.strictObject({ until: instantSchema, reason: z.string() }).nullable(),
})
export type QueueStatus = z.infer<typeof queueStatusSchema>

const holder = z.string().min(1).max(100)

/** A worker process, as it says of itself. */
export const workerStatusSchema = z.strictObject({
  holder,
  startedAt: instantSchema,
  /** How many jobs it has in hand, by network. */
  running: z.record(z.string(), count),
  /** It takes no new ones; `isAsked`: it is to, whether or not it has heard. */
  isDraining: z.boolean(),
  isAsked: z.boolean(),
})
export type WorkerStatus = z.infer<typeof workerStatusSchema>

/** For the owner of this server; `forbidden` for everybody else. */
const adminRoutes = {
  getQueues: route({
    method: 'GET',
    path: '/v1/queues',
    summary:
      'How many jobs of each network wait, run and failed, how long the first in line waits, what is due and not queued yet, and which workers there are',
    policy: web,
    reply: z.strictObject({ networks: z.array(queueStatusSchema), workers: z.array(workerStatusSchema) }),
  }),
  drainWorker: route({
    method: 'PUT',
    path: '/v1/workers/:holder',
    summary: 'Have a worker process take no more jobs, or take some again; it hears of it within seconds',
    policy: web,
    params: z.strictObject({ holder }),
    body: z.strictObject({ isDrained: z.boolean() }),
    reply: 'none',
  }),
  askBoard: route({
    method: 'POST',
    path: '/v1/board',
    summary: 'What the page of bull-board asks of its server; it changes nothing unless it is unlocked',
    policy: web,
    body: z.strictObject({
      method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']),
      /** Below `/api`, decoded. */
      path: z.string().max(500),
      query: z.record(z.string().max(100), z.string().max(500)),
      isUnlocked: z.boolean(),
    }),
    reply: z.strictObject({ status: count, body: z.unknown() }),
  }),
} as const

/** Conductor's HTTP API; what is asked for most is matched first. */
export const conductorRoutes = {
  getStatus: route({
    method: 'GET',
    path: '/v1/status',
    summary: 'Where copying stands, for each connected network and content type, and the last syncs',
    policy: web,
    reply: z.strictObject({
      networks: z.array(networkStatusSchema),
      syncs: z.array(syncSchema),
      /** null: as with `stored`. */
      media: z.array(storedMediaCountSchema).nullable(),
    }),
  }),
  createSync: route({
    method: 'POST',
    path: '/v1/syncs',
    summary:
      'Sync all connected networks, or what fits, now: from the checkpoints, or everything from scratch. Answers 201; asked again while it runs, 200 and the same sync',
    policy: web,
    body: wishSchema.extend({ trigger: syncSchema.shape.trigger }),
    reply: z.strictObject({ sync: syncSchema, created: z.boolean() }),
    creates: true,
  }),
  planSync: route({
    method: 'POST',
    path: '/v1/syncs/plan',
    summary: 'What a sync like this would do, and what it would cost where the network charges for it; nothing is started',
    policy: web,
    body: wishSchema,
    reply: z.strictObject({
      connections: z.array(
        plannedConnectionSchema.extend({
          streams: z.array(
            plannedConnectionSchema.shape.streams.element.extend({
              /** Of a network that charges: how many records reading all of the history takes, asked of the network now; null: it costs nothing. */
              cost: z.strictObject({ reads: count.nullable() }).nullable(),
            }),
          ),
        }),
      ),
    }),
  }),
  listSyncs: route({
    method: 'GET',
    path: '/v1/syncs',
    summary: 'The person’s syncs, newest first',
    policy: web,
    query: accountsRoutes.listSyncs.query,
    reply: accountsRoutes.listSyncs.reply,
    paged: true,
    etag: true,
  }),
  getSync: route({
    method: 'GET',
    path: '/v1/syncs/:syncId',
    summary: 'One sync with its result for each stream',
    policy: web,
    params: z.strictObject({ syncId: id }),
    reply: accountsRoutes.getSync.reply,
    etag: true,
  }),
  cancelSyncs: route({
    method: 'POST',
    path: '/v1/syncs/cancel',
    summary: 'Cancel whatever is under way of the person; checkpoints are kept. `sync` is null when nothing was',
    policy: web,
    reply: ended,
  }),
  cancelSync: route({
    method: 'POST',
    path: '/v1/syncs/:syncId/cancel',
    summary: 'Cancel a sync; checkpoints are kept',
    policy: web,
    params: z.strictObject({ syncId: id }),
    reply: syncSchema,
  }),
  cancelConnection: route({
    method: 'POST',
    path: '/v1/connections/:connectionId/cancel',
    summary: 'Cancel what is under way of one connection; its sync goes on for the others. `sync` is null when nothing was',
    policy: web,
    params: ofConnection,
    reply: ended,
  }),
  restartConnection: route({
    method: 'POST',
    path: '/v1/connections/:connectionId/restart',
    summary:
      'Break off what is under way of a connection, or of one of its streams, and begin again at once: from the checkpoint, whatever it waits for, or everything from scratch, which doubles nothing',
    policy: web,
    params: ofConnection,
    body: z.strictObject({ stream: streamStatusSchema.shape.stream.nullable(), from: startSchema }),
    reply: syncSchema,
  }),
  pauseConnection: route({
    method: 'POST',
    path: '/v1/connections/:connectionId/pause',
    summary: 'Pull nothing from it until it is resumed; what is under way ends, checkpoints are kept',
    policy: web,
    params: ofConnection,
    reply: connectionSchema,
  }),
  resumeConnection: route({
    method: 'POST',
    path: '/v1/connections/:connectionId/resume',
    summary: 'Go on with what was paused, at once',
    policy: web,
    params: ofConnection,
    reply: connectionSchema,
  }),
  clearConnection: route({
    method: 'POST',
    path: '/v1/connections/:connectionId/clear',
    summary: accountsRoutes.clearConnection.summary,
    policy: web,
    params: ofConnection,
    body: accountsRoutes.clearConnection.body,
    reply: connectionSchema,
  }),
  repairCopies: route({
    method: 'POST',
    path: '/v1/repair',
    summary: 'Have what is missing or damaged in a storage copied again; `sync` is null when there is nothing that can be',
    policy: web,
    body: z.strictObject({ storageId: id }),
    reply: ended,
  }),
  events: route({
    method: 'GET',
    path: '/v1/events',
    summary: 'Live events of the person (Server-Sent Events), resumed after Last-Event-ID',
    policy: web,
    reply: 'events',
  }),
  ...adminRoutes,
} as const

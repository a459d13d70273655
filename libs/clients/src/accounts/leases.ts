import { errorKinds, instantSchema, route, skippedItemSchema, walkKinds } from '@asheville/core'
import { z } from 'zod'
import { connectionSchema, rangeSchema } from './connections.ts'
import { count, forUser, from, id, streamName } from './parts.ts'
import { availableSchema, syncJobSchema, syncSchema, syncStates, tallySchema } from './syncs.ts'

export const walkSchema = z.strictObject({
  id: z.string().min(1).max(200),
  kind: z.enum(walkKinds),
  range: rangeSchema,
  cursor: z.string().nullable(),
})

/**
 * The lease on a stream: `fence` grows with every lease; whoever writes with an older one is refused. `mustStop`: the work is not wanted any more, or its network
 * is paused; the stream is to be given back as it stands.
 */
const leasedSchema = z.strictObject({ expiresAt: instantSchema, mustStop: z.boolean() })

export const streamPath = z.strictObject({ connectionId: id, stream: streamName })
const fence = z.number().int().positive()

/**
 * How a slice of work on a stream ended. `yielded`: more to do at once; `waiting`: not before `until`; `held`: nor before that, and the sync
 * does not wait for it.
 */
export const outcomeSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('done') }),
  z.strictObject({ kind: z.literal('yielded') }),
  z.strictObject({ kind: z.literal('waiting'), until: instantSchema, reason: z.string() }),
  z.strictObject({ kind: z.literal('held'), until: instantSchema, reason: z.string() }),
  z.strictObject({ kind: z.literal('retrying'), until: instantSchema, reason: z.string() }),
  z.strictObject({
    kind: z.literal('failed'),
    error: z.enum(['reconnect-required', 'storage-full', 'invalid', 'unexpected', 'unavailable']),
    reason: z.string(),
  }),
])
export type Outcome = z.infer<typeof outcomeSchema>

/** What a worker begins with: its right to the stream, and all that it goes on from. */
export const leaseSchema = z.strictObject({
  fence,
  expiresAt: instantSchema,
  connection: connectionSchema,
  storageId: id,
  trigger: syncSchema.shape.trigger,
  head: z.string().nullable(),
  /** Open walks, in the order they were planned. */
  walks: z.array(walkSchema),
  /** This sync has not planned its walks yet. */
  needsPlan: z.boolean(),
  /** A token of the connection that may be used at once; null: it needs none, or `getAccess` has to be asked. */
  access: z.strictObject({ accessToken: z.string(), expiresAt: instantSchema.nullable() }).nullable(),
  /** Files of this stream that could not be had may be due to be tried again. */
  triesMedia: z.boolean(),
  /** How often in a row this stream returned `retrying` since a checkpoint was last saved; the worker's backoff grows with it. */
  attempts: count,
  /** How much more the person lets us read this month of what the network charges for; null: any number. Never 0. */
  readsLeft: count.nullable(),
})
export type Lease = z.infer<typeof leaseSchema>

/** Why one of a batch failed, as a call by itself would have. */
export const refusedSchema = z.strictObject({
  refused: z.strictObject({ kind: z.enum(errorKinds), detail: z.string(), retryAfterMs: z.number().optional() }),
})
export type Refused = z.infer<typeof refusedSchema>

const ofStream = { userId: id, connectionId: id, stream: streamName }
const wantedLeaseSchema = z.strictObject({ ...ofStream, syncId: id, streamVersion: z.number().int().positive() })
export type WantedLease = z.infer<typeof wantedLeaseSchema>

/** All that was planned, pulled to its end without anything to store: neither plan nor checkpoint was worth a call of its own. */
const quietSchema = z.strictObject({ head: z.string().nullable(), pages: count, available: availableSchema })
export type Quiet = z.infer<typeof quietSchema>

const endedLeaseSchema = z.strictObject({
  ...ofStream,
  fence,
  outcome: outcomeSchema,
  quiet: quietSchema.optional(),
  /** When platform wants to be asked for files to try again; null: there are none; absent: as before. */
  mediaDueAt: instantSchema.nullable().optional(),
  /** What the person is called at the network now, where that is new. */
  renamed: connectionSchema.pick({ handle: true, title: true, url: true }).optional(),
})
export type EndedLease = z.infer<typeof endedLeaseSchema>

const returnedSchema = z.strictObject({
  syncState: z.enum(syncStates),
  /** false: the work had been cancelled, or asked for anew, before it was given back; its outcome has changed nothing. */
  isWanted: z.boolean(),
  /** There is more to do, and the job is not on the queue meanwhile: it waits for long, or makes way for another of the person. It comes back by itself. */
  isParked: z.boolean(),
  /** Jobs of the person that have a place on their queue now. */
  next: z.array(syncJobSchema),
})
export type Returned = z.infer<typeof returnedSchema>

/** How many streams are taken or given back at once, at most. */
export const maxLeases = 100

/** A stream, or that there is nothing to do for that sync; then perhaps for another, which `otherSyncId` names. */
export const takenSchema = z.strictObject({ lease: leaseSchema.nullable(), otherSyncId: id.optional() })
export type Taken = z.infer<typeof takenSchema>

/** A worker's right to work on a stream, and what it saves. */
export const leaseRoutes = {
  takeLeases: route({
    method: 'POST',
    path: '/v1/leases/take',
    summary:
      'Take streams, of whomever, for 30 s each with a grown fence; each is answered by itself: `conflict` while another holds it; the same holder, started again, takes its own over; null when there is nothing to do (cancelled, removed, paused, its network paused, done), or nothing may be read any more this month',
    policy: from('workers'),
    body: z.strictObject({ holder: z.string().min(1).max(100), streams: z.array(wantedLeaseSchema).min(1).max(maxLeases) }),
    /** In the order of the streams. */
    reply: z.strictObject({ leases: z.array(z.union([takenSchema, refusedSchema])) }),
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
      /** Some of its files could not be had and are to be tried again. */
      hasPendingMedia: z.boolean(),
    }),
    reply: leasedSchema,
  }),
  countReads: route({
    method: 'POST',
    path: '/v1/connections/:connectionId/reads',
    summary:
      'A page has come from a network that charges for it, whatever becomes of it here: counts its records, in this calendar month (UTC). Needs no lease: what was read by a right that has ended costs as much',
    policy: forUser('workers'),
    params: z.strictObject({ connectionId: id }),
    body: z.strictObject({ reads: z.number().int().positive() }),
    /** null: any number. */
    reply: z.strictObject({ readsLeft: count.nullable() }),
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
  returnLeases: route({
    method: 'POST',
    path: '/v1/leases/return',
    summary:
      'Give streams back with their outcomes, each answered by itself; the last stream’s result closes its sync in the same transaction; `conflict` for an older fence',
    policy: from('workers'),
    body: z.strictObject({ leases: z.array(endedLeaseSchema).min(1).max(maxLeases) }),
    /** In the order of the leases. */
    reply: z.strictObject({ ends: z.array(z.union([returnedSchema, refusedSchema])) }),
  }),
} as const

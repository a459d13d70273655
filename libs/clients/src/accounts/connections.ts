import { contentTypeSchema, instantSchema, route } from '@asheville/core'
import { z } from 'zod'
import { count, cursor, forUser, from, id, limit, streamName } from './parts.ts'

/** Publication dates to copy, `from` included, `to` not; null is unbounded. */
export const rangeSchema = z.strictObject({ from: instantSchema.nullable(), to: instantSchema.nullable() })

export const connectionSettingsSchema = z.strictObject({
  /** null: all that the network offers. */
  contentTypes: z.array(contentTypeSchema).nullable(),
  range: rangeSchema,
  /** Of a network that charges for what is read: how many records may be read in a calendar month (UTC); null: any number. */
  readsPerMonth: z.number().int().positive().max(1_000_000_000).nullable(),
  /** Of a network: minutes between two syncs that it gets by itself, no fewer than this server allows; null: as often as it has something new. */
  syncEveryMinutes: z.number().int().min(5).max(1440).nullable(),
  /** Of a network: whether copies keep what was edited or deleted there, or are as the network has it. */
  copies: z.enum(['keep', 'mirror']),
})
export type ConnectionSettings = z.infer<typeof connectionSettingsSchema>

/**
 * `reconnect`: the network takes our access no longer, whoever took it back; work goes on where it was once it is connected again.
 * `revoked`: the person disconnected it here, the access was given back and forgotten, what was copied stays. It is only listed
 * where that is asked for, and connecting the same account again makes it `active`.
 */
export const connectionStates = ['active', 'paused', 'reconnect', 'full', 'revoked'] as const

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
  /** Scopes that were asked for and that the person did not allow: streams that need one of them are not pulled. */
  declined: z.array(z.string()),
  /** Content types of which the copies are being removed; until they are, no stream that brings one is pulled. */
  clearing: z.array(contentTypeSchema),
  /** For a network: the connection of the storage that its items go to. */
  storageId: id.nullable(),
  state: z.enum(connectionStates),
  /** Why it is not active, for the person to read. */
  stateReason: z.string().nullable(),
  createdAt: instantSchema,
})
export type Connection = z.infer<typeof connectionSchema>

/** What was read of a network that charges for it, in this calendar month (UTC). */
export const monthlyReadsSchema = z.strictObject({ connectionId: id, thisMonth: count })

/** People's networks and storages. */
export const connectionRoutes = {
  listConnections: route({
    method: 'GET',
    path: '/v1/connections',
    summary: 'The person’s networks and storages, oldest first; with `include=revoked` also those that they disconnected',
    policy: forUser('web', 'conductor', 'platform'),
    query: z.strictObject({ kind: z.enum(['network', 'storage']).optional(), include: z.literal('revoked').optional() }),
    reply: z.strictObject({ connections: z.array(connectionSchema) }),
    etag: true,
  }),
  listStorages: route({
    method: 'GET',
    path: '/v1/storages',
    summary: 'Every storage of everybody, for whoever runs this server',
    policy: from('accounts'),
    query: z.strictObject({ cursor, limit }),
    reply: z.strictObject({
      storages: z.array(z.strictObject({ storageId: id, userId: id, provider: z.string() })),
      next: z.string().nullable(),
    }),
    paged: true,
  }),
  getConnection: route({
    method: 'GET',
    path: '/v1/connections/:connectionId',
    summary: 'One connection; `not-found` when it was disconnected',
    policy: forUser('web', 'conductor', 'workers', 'platform'),
    params: z.strictObject({ connectionId: id }),
    reply: connectionSchema,
    etag: true,
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
      /** Where the items of a network are to go; absent or null: where they went before, else the person's first storage. */
      storageId: id.nullable().optional(),
    }),
    reply: z.discriminatedUnion('next', [
      z.strictObject({ next: z.literal('connected'), connection: connectionSchema }),
      z.strictObject({ next: z.literal('authorize'), url: z.url() }),
      /** A page of the person's own server, to be opened beside ours; then `finishApproval`. */
      z.strictObject({ next: z.literal('approve'), url: z.url(), approval: z.string() }),
    ]),
    idempotent: true,
  }),
  finishConnect: route({
    method: 'POST',
    path: '/v1/connect/finish',
    summary:
      'The authorisation server sent the browser back with these query parameters; bound to session, person and provider, single use',
    policy: forUser('web'),
    body: z.strictObject({ provider: z.string().max(40), sessionId: id, callback: z.record(z.string().max(60), z.string().max(4000)) }),
    reply: z.strictObject({ connection: connectionSchema }),
    idempotent: true,
  }),
  finishApproval: route({
    method: 'POST',
    path: '/v1/connect/approved',
    summary:
      'Whether the person has allowed it at their own server, and if so the connection; bound to session, person and provider, for ten minutes',
    policy: forUser('web'),
    body: z.strictObject({ provider: z.string().max(40), sessionId: id, approval: z.string().max(200) }),
    reply: z.discriminatedUnion('next', [
      z.strictObject({ next: z.literal('wait'), url: z.url() }),
      z.strictObject({ next: z.literal('connected'), connection: connectionSchema }),
    ]),
  }),
  updateConnection: route({
    method: 'PATCH',
    path: '/v1/connections/:connectionId',
    summary: 'Change settings, pause or resume',
    policy: forUser('web', 'conductor'),
    params: z.strictObject({ connectionId: id }),
    body: z.strictObject({ settings: connectionSettingsSchema.partial().optional(), paused: z.boolean().optional() }),
    reply: connectionSchema,
    ifMatch: true,
  }),
  clearConnection: route({
    method: 'POST',
    path: '/v1/connections/:connectionId/clear',
    summary:
      'Remove what was copied of these content types from the person’s storages, and copy them no longer: they are taken off the settings, or, when no other is left, the connection is paused. Also of one that was disconnected. Copied again they are from the start',
    policy: forUser('conductor'),
    params: z.strictObject({ connectionId: id }),
    body: z.strictObject({ contentTypes: z.array(contentTypeSchema).min(1) }),
    reply: connectionSchema,
  }),
  noteCleared: route({
    method: 'POST',
    path: '/v1/connections/:connectionId/cleared',
    summary: 'The copies of these content types are removed: what of them is wanted again may be pulled; said again, nothing changes',
    policy: forUser('conductor'),
    params: z.strictObject({ connectionId: id }),
    body: z.strictObject({ contentTypes: z.array(contentTypeSchema).min(1) }),
    reply: connectionSchema,
  }),
  getEstimate: route({
    method: 'GET',
    path: '/v1/connections/:connectionId/estimate',
    summary:
      'Of a network that charges for what is read: how many records copying everything that is wanted will read, asked of the network now; its streams that cost nothing are left out',
    policy: forUser('web', 'conductor'),
    params: z.strictObject({ connectionId: id }),
    reply: z.strictObject({
      streams: z.array(
        z.strictObject({
          stream: streamName,
          contentTypes: z.array(contentTypeSchema),
          /** null: the network does not tell. */
          reads: count.nullable(),
        }),
      ),
    }),
  }),
  listReads: route({
    method: 'GET',
    path: '/v1/reads',
    summary: 'What was read in this calendar month (UTC) of the person’s networks that charge for it',
    policy: forUser('web'),
    reply: z.strictObject({ reads: z.array(monthlyReadsSchema) }),
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
} as const

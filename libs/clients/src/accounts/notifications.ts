import { instantSchema, route } from '@asheville/core'
import { z } from 'zod'
import { count, cursor, forUser, id, limit } from './parts.ts'
import { syncSchema } from './syncs.ts'

/** Syncs of one day that were not read about yet are one notification: `syncs` of them, the last of which is `syncId`. */
const syncsData = z.strictObject({
  syncId: id,
  trigger: syncSchema.shape.trigger,
  /** `failed`: not everything came. */
  state: z.enum(['done', 'failed']),
  syncs: count,
  new: count,
  changed: count,
})
const aboutConnection = { connectionId: id, provider: z.string(), handle: z.string() }
const standstillData = z.strictObject({ ...aboutConnection, reason: z.string(), days: count })

const common = {
  id,
  createdAt: instantSchema,
  readAt: instantSchema.nullable(),
  /** Since when there is nothing to be done about it any more. */
  settledAt: instantSchema.nullable(),
}

/** What people are told. What is said in words is made of it where it is shown. */
export const notificationSchema = z.discriminatedUnion('kind', [
  /** A sync that the person began, or one that brought something. */
  z.strictObject({ ...common, kind: z.literal('sync-finished'), data: syncsData }),
  /** A scheduled sync that brought nothing. */
  z.strictObject({ ...common, kind: z.literal('sync-unchanged'), data: syncsData }),
  /** Something of a connection cannot be copied; once until all of it could. */
  z.strictObject({ ...common, kind: z.literal('sync-problem'), data: z.strictObject({ ...aboutConnection, reason: z.string() }) }),
  /** Nothing of a connection has come through for long: it is paused in so many days unless something does; once until then. */
  z.strictObject({ ...common, kind: z.literal('sync-pausing'), data: standstillData }),
  /** Nothing of a connection came through for so many days that it was paused; once until it was resumed. */
  z.strictObject({ ...common, kind: z.literal('sync-paused'), data: standstillData }),
  /** Once until the connection worked again. */
  z.strictObject({ ...common, kind: z.literal('reconnect-needed'), data: z.strictObject(aboutConnection) }),
  /** Of a storage; once until something could be stored again. */
  z.strictObject({
    ...common,
    kind: z.literal('storage-full'),
    data: z.strictObject({ connectionId: id, provider: z.string(), title: z.string() }),
  }),
  /** A network or storage that the person voted for can be connected now. */
  z.strictObject({ ...common, kind: z.literal('network-available'), data: z.strictObject({ provider: z.string(), title: z.string() }) }),
])
export type Notification = z.infer<typeof notificationSchema>
export type NotificationKind = Notification['kind']

export const notificationKinds = [
  'reconnect-needed',
  'storage-full',
  'sync-pausing',
  'sync-paused',
  'sync-problem',
  'sync-finished',
  'sync-unchanged',
  'network-available',
] as const satisfies readonly NotificationKind[]

export const notificationChannels = ['inbox', 'mail'] as const
export type NotificationChannel = (typeof notificationChannels)[number]

const channelsSchema = z.strictObject({ inbox: z.boolean(), mail: z.boolean() })
export type NotificationPreferences = Record<NotificationKind, Record<NotificationChannel, boolean>>

export const notificationPreferencesSchema = z.strictObject({
  preferences: z.record(z.enum(notificationKinds), channelsSchema),
  /** Whether mail would arrive: `off`, this server sends none; `unverified`, the person has not confirmed an address. */
  mail: z.enum(['works', 'unverified', 'off']),
})

/** What people are told, and how they want to be told. */
export const notificationRoutes = {
  listNotifications: route({
    method: 'GET',
    path: '/v1/notifications',
    summary: 'What the person was told, newest first, and how much of it is unread',
    policy: forUser('web'),
    query: z.strictObject({ cursor, limit, unread: z.stringbool().default(false) }),
    reply: z.strictObject({ notifications: z.array(notificationSchema), unread: count, next: z.string().nullable() }),
    paged: true,
    etag: true,
  }),
  countUnread: route({
    method: 'GET',
    path: '/v1/notifications/unread',
    summary: 'How many notifications are unread',
    policy: forUser('web'),
    reply: z.strictObject({ unread: count }),
  }),
  markRead: route({
    method: 'PUT',
    path: '/v1/notifications/:notificationId/read',
    summary: 'This one was read',
    policy: forUser('web'),
    params: z.strictObject({ notificationId: id }),
    reply: 'none',
  }),
  markAllRead: route({
    method: 'PUT',
    path: '/v1/notifications/read',
    summary: 'All were read that are as old as this one, or older',
    policy: forUser('web'),
    body: z.strictObject({ upTo: id }),
    reply: 'none',
  }),
  getNotificationPreferences: route({
    method: 'GET',
    path: '/v1/notification-preferences',
    summary: 'Of what the person wants to be told, and where',
    policy: forUser('web'),
    reply: notificationPreferencesSchema,
    etag: true,
  }),
  updateNotificationPreferences: route({
    method: 'PATCH',
    path: '/v1/notification-preferences',
    summary: 'Change some of it; what is not named stays as it is',
    policy: forUser('web'),
    body: z.strictObject({ preferences: z.partialRecord(z.enum(notificationKinds), channelsSchema.partial()) }),
    reply: notificationPreferencesSchema,
    ifMatch: true,
  }),
} as const

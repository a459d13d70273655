import {
  notificationKinds,
  type Notification,
  type NotificationChannel,
  type NotificationKind,
  type NotificationPreferences,
} from '@asheville/clients'
import { AshevilleError } from '@asheville/core'
import type { Database } from '@asheville/database'
import { pageOf, type Position } from '../queries/page-position.ts'
import { defaultPreferences } from './defaults.ts'

/** Told again as soon as they were read: there is nothing about them that could be over. */
const overWhenRead: readonly NotificationKind[] = ['sync-finished', 'sync-unchanged', 'network-available']

type DataOf<Kind extends NotificationKind> = Extract<Notification, { kind: Kind }>['data']

/** A notification to be told: `subject` is what it is about. */
export type Told = { [Kind in NotificationKind]: { kind: Kind; subject: string; data: DataOf<Kind> } }[NotificationKind]

/** What the person wants to be told, and where. */
export async function findPreferences(db: Database, userId: string): Promise<NotificationPreferences> {
  const rows = await db.query<{ kind: string; channel: NotificationChannel; isOn: boolean }>(
    'SELECT kind, channel, is_on AS "isOn" FROM notification_preferences WHERE user_id = $1',
    [userId],
  )
  const preferences = structuredClone(defaultPreferences) as NotificationPreferences
  for (const { kind, channel, isOn } of rows) {
    const known = notificationKinds.find((each) => each === kind)
    if (known) preferences[known][channel] = isOn
  }
  return preferences
}

/** Those of these people who want to be told of this kind at all. */
export async function listWanting(db: Database, userIds: readonly string[], kind: NotificationKind): Promise<Set<string>> {
  const { inbox, mail } = defaultPreferences[kind]
  if (inbox || mail) return new Set(userIds)
  const rows = await db.query<{ id: string }>(
    'SELECT DISTINCT user_id AS id FROM notification_preferences WHERE user_id = ANY ($1) AND kind = $2 AND is_on',
    [userIds, kind],
  )
  return new Set(rows.map(({ id }) => id))
}

export async function putPreference(
  tx: Database,
  userId: string,
  { kind, channel, isOn }: { kind: NotificationKind; channel: NotificationChannel; isOn: boolean },
): Promise<void> {
  await tx.query(
    `INSERT INTO notification_preferences (user_id, kind, channel, is_on) VALUES ($1, $2, $3, $4)
     ON CONFLICT (user_id, kind, channel) DO UPDATE SET is_on = $4`,
    [userId, kind, channel, isOn],
  )
}

/**
 * Tells the person, in the transaction of what it tells of, as they want to be told. While the same kind of the same subject is still
 * open it is not told again; counts of syncs are added to those that were not read yet.
 */
export async function addNotification(tx: Database, userId: string, { kind, subject, data }: Told): Promise<void> {
  const { inbox, mail } = (await findPreferences(tx, userId))[kind]
  if (!inbox && !mail) return
  await tx.query(
    `INSERT INTO notifications AS n (user_id, kind, subject, data, in_inbox, mail_due_at)
     VALUES ($1, $2, $3, $4, $5, CASE WHEN $6 THEN now() END)
     ON CONFLICT (user_id, kind, subject) WHERE settled_at IS NULL DO UPDATE SET data = EXCLUDED.data || jsonb_build_object(
       'syncs', (n.data->>'syncs')::bigint + 1, 'new', (n.data->>'new')::bigint + (EXCLUDED.data->>'new')::bigint,
       'changed', (n.data->>'changed')::bigint + (EXCLUDED.data->>'changed')::bigint)
     WHERE n.data ? 'syncs'`,
    [userId, kind, subject, JSON.stringify(data), inbox, mail],
  )
}

/** The matter is over: it is no longer unread, no mail goes out for it any more, and the next time it is told anew. */
export async function settleNotifications(
  tx: Database,
  userId: string,
  kinds: readonly NotificationKind[],
  subject: string,
): Promise<void> {
  await tx.query(
    `UPDATE notifications SET settled_at = now(), read_at = coalesce(read_at, now()), mail_due_at = NULL
     WHERE user_id = $1 AND kind = ANY ($2) AND subject = $3 AND settled_at IS NULL`,
    [userId, kinds, subject],
  )
}

interface Row {
  id: string
  position: string
  kind: NotificationKind
  data: Notification['data']
  createdAt: string
  readAt: string | null
  settledAt: string | null
}

const columns = 'id, kind, data, created_at AS "createdAt", read_at AS "readAt", settled_at AS "settledAt"'

/** A page of the person's inbox, newest first. */
export async function listNotifications(
  db: Database,
  userId: string,
  { after, limit, isUnread }: { after: Position | null; limit: number; isUnread: boolean },
): Promise<{ notifications: Notification[]; next: string | null }> {
  const rows = await db.query<Row>(
    `SELECT ${columns}, created_at::text AS position FROM notifications
     WHERE user_id = $1 AND in_inbox AND (NOT $2 OR read_at IS NULL)
       AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::uuid))
     ORDER BY created_at DESC, id DESC LIMIT $5`,
    [userId, isUnread, after?.at ?? null, after?.id ?? null, limit + 1],
  )
  const { rows: page, next } = pageOf(rows, limit)
  return { notifications: page.map(({ position: _, ...row }) => row as Notification), next }
}

export async function countUnread(db: Database, userId: string): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    'SELECT count(*) FROM notifications WHERE user_id = $1 AND in_inbox AND read_at IS NULL',
    [userId],
  )
  return row?.count ?? 0
}

const markRead = `read_at = coalesce(read_at, now()), settled_at = CASE WHEN kind = ANY ($3) THEN coalesce(settled_at, now()) ELSE settled_at END`

/** `not-found` when it is not in the person's inbox. */
export async function markOneRead(db: Database, userId: string, id: string): Promise<void> {
  const rows = await db.query(`UPDATE notifications SET ${markRead} WHERE user_id = $1 AND id = $2 AND in_inbox RETURNING id`, [
    userId,
    id,
    overWhenRead,
  ])
  if (rows.length === 0) throw noSuchNotification()
}

/** All that are as old as this one, or older. */
export async function markReadUpTo(db: Database, userId: string, id: string): Promise<void> {
  const [last] = await db.query('SELECT FROM notifications WHERE user_id = $1 AND id = $2 AND in_inbox', [userId, id])
  if (!last) throw noSuchNotification()
  await db.query(
    `UPDATE notifications SET ${markRead} WHERE user_id = $1 AND in_inbox AND read_at IS NULL
       AND (created_at, id) <= (SELECT created_at, id FROM notifications WHERE user_id = $1 AND id = $2)`,
    [userId, id, overWhenRead],
  )
}

/** All about it are over: it is no more. */
export async function settleAllAbout(tx: Database, userId: string, subject: string): Promise<void> {
  await settleNotifications(tx, userId, notificationKinds, subject)
}

/** These connections work again: what asked for one to be reconnected is over, and its problems when none of its streams has any. */
export async function settleWorking(tx: Database, connections: readonly { userId: string; connectionId: string }[]): Promise<void> {
  await tx.query(
    `UPDATE notifications n SET settled_at = now(), read_at = coalesce(n.read_at, now()), mail_due_at = NULL
     FROM unnest($1::uuid[], $2::uuid[]) AS w (user_id, connection_id)
     WHERE n.user_id = w.user_id AND n.subject = w.connection_id::text AND n.settled_at IS NULL
       AND (n.kind IN ('reconnect-needed', 'sync-pausing') OR n.kind = 'sync-problem' AND NOT EXISTS (
         SELECT FROM streams s WHERE s.user_id = w.user_id AND s.connection_id = w.connection_id AND s.state = 'failed'))`,
    [connections.map(({ userId }) => userId), connections.map(({ connectionId }) => connectionId)],
  )
}

/** Those about it were seen: the person has done what they asked for. What they are about may not be over yet. */
export async function markReadAbout(tx: Database, userId: string, subject: string): Promise<void> {
  await tx.query(
    'UPDATE notifications SET read_at = now(), mail_due_at = NULL WHERE user_id = $1 AND subject = $2 AND read_at IS NULL AND settled_at IS NULL',
    [userId, subject],
  )
}

/** Notifications that are to go out by mail, at most `limit` of them, taken: they are not answered again once this is committed. */
export async function takeMailable(tx: Database, limit: number): Promise<(Told & { userId: string })[]> {
  return tx.query(
    `UPDATE notifications SET mail_due_at = NULL WHERE id IN (
       SELECT id FROM notifications WHERE mail_due_at <= now() ORDER BY mail_due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
     RETURNING user_id AS "userId", kind, subject, data`,
    [limit],
  )
}

/** Clears what was over long ago, and what nobody has read of syncs for a year. What can still be acted on stays. */
export async function clearNotifications(db: Database): Promise<void> {
  await db.query("DELETE FROM notifications WHERE settled_at < now() - interval '90 days'")
  await db.query("DELETE FROM notifications WHERE settled_at IS NULL AND kind = ANY ($1) AND created_at < now() - interval '1 year'", [
    overWhenRead,
  ])
}

function noSuchNotification(): AshevilleError {
  return new AshevilleError('not-found', 'There is no such notification')
}

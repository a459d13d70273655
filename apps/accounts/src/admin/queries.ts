import type { PersonFigures } from '@asheville/clients'
import { asService, type Database } from '@asheville/database'
import { pageOf, type Position } from '../queries/page-position.ts'

/** Everybody, newest first, whose name or e-mail address begins with `search`. For the owner alone: it is asked as nobody's own. */
export async function listPeople(
  db: Database,
  { after, limit, search }: { after: Position | null; limit: number; search: string },
): Promise<{ users: PersonFigures[]; next: string | null }> {
  const rows = await asService(() =>
    db.query<PersonFigures & { position: string }>(
      `SELECT u.id, u.name, u.email, u.role, u.locale, u.created_at AS "createdAt", u.created_at::text AS position,
       (SELECT count(*) FROM connections c WHERE c.user_id = u.id AND c.removed_at IS NULL) AS connections,
       (SELECT count(*) FROM syncs y WHERE y.user_id = u.id) AS syncs,
       (SELECT max(s.last_synced_at) FROM streams s WHERE s.user_id = u.id) AS "lastSyncedAt",
       greatest((SELECT max(s.last_used_at) FROM sessions s WHERE s.user_id = u.id),
         (SELECT max(d.last_used_at) FROM known_devices d WHERE d.user_id = u.id)) AS "lastSeenAt"
     FROM users u
     WHERE ($1 = '' OR lower(u.name) LIKE $2 OR lower(u.email) LIKE $2)
       AND ($3::timestamptz IS NULL OR (u.created_at, u.id) < ($3, $4::uuid))
     ORDER BY u.created_at DESC, u.id DESC LIMIT $5`,
      [search, `${search.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`, after?.at ?? null, after?.id ?? null, limit + 1],
    ),
  )
  const { rows: page, next } = pageOf(rows, limit)
  return { users: page.map(({ position: _, ...user }) => user), next }
}

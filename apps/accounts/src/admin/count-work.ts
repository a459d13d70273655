import type { accountsRoutes, NetworkWork } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { late, works } from '../queries/due.ts'

export function handleCountWork({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.countWork> {
  return async () => ({ networks: await countWork(db) })
}

async function countWork(db: Database): Promise<(NetworkWork & { network: string })[]> {
  return db.query(
    `SELECT network, sum(due) AS due, sum(late) AS late, min(since) AS "oldestDueAt", sum(parked) AS parked, sum(leased) AS leased FROM (
       SELECT c.provider AS network, 1 AS due, (s.next_due_at < now() - ${late})::int AS late, s.next_due_at AS since, 0 AS parked, 0 AS leased
       FROM streams s JOIN connections c ON c.id = s.connection_id JOIN users u ON u.id = s.user_id
       WHERE s.next_due_at <= now() AND ${works} AND u.closing_at IS NULL
       UNION ALL
       SELECT c.provider, 0, 0, NULL, 1, 0 FROM sync_jobs j JOIN connections c ON c.id = j.connection_id
       WHERE j.finished_at IS NULL AND j.parked_at IS NOT NULL
       UNION ALL
       SELECT c.provider, 0, 0, NULL, 0, 1 FROM leases l JOIN connections c ON c.id = l.connection_id
       WHERE l.holder IS NOT NULL AND l.expires_at > now()) w
     GROUP BY network ORDER BY network`,
  )
}

import type { Connection } from '@asheville/clients'
import type { Database } from '@asheville/database'
import { noSuchConnection } from './connections.ts'

/** As the column `month` of `monthly_reads` has it. */
export const thisMonth = "date_trunc('month', now() AT TIME ZONE 'UTC')"
/** The instant at which something may be read again. */
export const nextMonth = `(${thisMonth} + interval '1 month') AT TIME ZONE 'UTC'`

/** Counts what a page cost, in this month; answers how much more may be read in it, null where there is no bound. */
export async function addReads(db: Database, userId: string, connectionId: string, reads: number): Promise<number | null> {
  const [row] = await db.query<{ readsLeft: number | null }>(
    `WITH counted AS (
       INSERT INTO monthly_reads AS m (connection_id, month, user_id, reads)
       SELECT id, ${thisMonth}, user_id, $3 FROM connections WHERE user_id = $1 AND id = $2
       ON CONFLICT (connection_id, month) DO UPDATE SET reads = m.reads + excluded.reads RETURNING connection_id, reads)
     SELECT CASE WHEN c.reads_per_month IS NOT NULL THEN greatest(0, c.reads_per_month - n.reads) END AS "readsLeft"
     FROM counted n JOIN connections c ON c.id = n.connection_id`,
    [userId, connectionId, reads],
  )
  if (!row) throw noSuchConnection()
  return row.readsLeft
}

/** How much more may be read this month, null where there is no bound. */
export async function countReadsLeft(
  db: Database,
  userId: string,
  { id, settings: { readsPerMonth } }: Pick<Connection, 'id' | 'settings'>,
): Promise<number | null> {
  if (readsPerMonth === null) return null
  const [row] = await db.query<{ reads: number }>(
    `SELECT reads FROM monthly_reads WHERE user_id = $1 AND connection_id = $2 AND month = ${thisMonth}`,
    [userId, id],
  )
  return Math.max(0, readsPerMonth - (row?.reads ?? 0))
}

/** What was read this month of each of the person's connections that something was read of. */
export async function listMonthlyReads(db: Database, userId: string): Promise<{ connectionId: string; thisMonth: number }[]> {
  return db.query(
    `SELECT connection_id AS "connectionId", reads AS "thisMonth" FROM monthly_reads WHERE user_id = $1 AND month = ${thisMonth}
     ORDER BY connection_id`,
    [userId],
  )
}

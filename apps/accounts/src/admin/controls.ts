import type { NetworkControl } from '@asheville/clients'
import type { Database } from '@asheville/database'

/** What the owner of the server has said of networks; of one that is not there, nothing. */
export async function listControls(db: Database): Promise<NetworkControl[]> {
  return db.query<NetworkControl>(
    'SELECT network, is_paused AS "isPaused", jobs_per_minute AS "jobsPerMinute" FROM network_controls ORDER BY network',
  )
}

export async function putControl(db: Database, { network, isPaused, jobsPerMinute }: NetworkControl): Promise<void> {
  await db.query(
    `INSERT INTO network_controls (network, is_paused, jobs_per_minute) VALUES ($1, $2, $3)
     ON CONFLICT (network) DO UPDATE SET is_paused = excluded.is_paused, jobs_per_minute = excluded.jobs_per_minute`,
    [network, isPaused, jobsPerMinute],
  )
}

/** Condition on the network that `column` names: the owner has not paused it. */
export const isFree = (column: string): string => `NOT EXISTS (SELECT FROM network_controls n WHERE n.network = ${column} AND n.is_paused)`

/** Networks of which nothing new is begun. */
export async function listPaused(db: Database): Promise<string[]> {
  const rows = await db.query<{ network: string }>('SELECT network FROM network_controls WHERE is_paused')
  return rows.map(({ network }) => network)
}

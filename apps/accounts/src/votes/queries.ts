import type { Database } from '@asheville/database'

export async function listVotes(db: Database, userId: string): Promise<string[]> {
  const rows = await db.query<{ provider: string }>('SELECT provider FROM votes WHERE user_id = $1 ORDER BY provider', [userId])
  return rows.map(({ provider }) => provider)
}

export async function addVote(db: Database, userId: string, provider: string): Promise<void> {
  await db.query('INSERT INTO votes (provider, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING', [provider, userId])
}

export async function removeVote(db: Database, userId: string, provider: string): Promise<void> {
  await db.query('DELETE FROM votes WHERE user_id = $1 AND provider = $2', [userId, provider])
}

/** How many people voted for each, for the public pages. */
export async function countVotes(db: Database): Promise<Record<string, number>> {
  const rows = await db.query<{ provider: string; count: number }>(
    'SELECT provider, count(*) FROM votes GROUP BY provider ORDER BY provider',
  )
  return Object.fromEntries(rows.map(({ provider, count }) => [provider, count]))
}

/** Votes for these, at most `limit` of them, taken: they are no more. */
export async function takeVotes(
  tx: Database,
  providers: readonly string[],
  limit: number,
): Promise<{ userId: string; provider: string }[]> {
  return tx.query(
    `DELETE FROM votes WHERE (provider, user_id) IN (
       SELECT provider, user_id FROM votes WHERE provider = ANY ($1) LIMIT $2 FOR UPDATE SKIP LOCKED)
     RETURNING user_id AS "userId", provider`,
    [providers, limit],
  )
}

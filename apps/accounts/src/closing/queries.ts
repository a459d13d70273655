import type { SyncJob } from '@asheville/clients'
import { asService, type Database } from '@asheville/database'
import type { Grant } from './closings.ts'
import { goOtherwise, personTables } from './person-tables.ts'

/** Nobody signs in as them any more, and nothing starts for them. Of an owner the place becomes free. */
export async function markClosing(tx: Database, userId: string): Promise<void> {
  await tx.query("UPDATE users SET closing_at = now(), role = 'member' WHERE id = $1", [userId])
}

/** How many others have an account that is not being closed. */
export async function countOthers(db: Database, userId: string): Promise<number> {
  const [row] = await asService(() =>
    db.query<{ count: number }>('SELECT count(*) FROM users WHERE id <> $1 AND closing_at IS NULL', [userId]),
  )
  return row?.count ?? 0
}

/** What a person had begun and does not come back to: links by mail, ways to and from networks, announcements. */
export async function dropBegun(tx: Database, userId: string): Promise<void> {
  for (const table of ['outbox', 'mail_tokens', 'oauth_transactions', 'passkey_challenges'])
    await tx.query(`DELETE FROM ${table} WHERE user_id = $1`, [userId])
  await tx.query('UPDATE streams SET next_due_at = NULL WHERE user_id = $1 AND next_due_at IS NOT NULL', [userId])
}

/** Who may still be working for the person. */
export async function countHolders(db: Database, userId: string): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    'SELECT count(*) FROM leases WHERE user_id = $1 AND holder IS NOT NULL AND expires_at > clock_timestamp()',
    [userId],
  )
  return row?.count ?? 0
}

/** Whoever holds a lease of the person, or comes late with an old one, is refused from now on. */
export async function breakAllLeases(tx: Database, userId: string): Promise<void> {
  await tx.query('UPDATE leases SET fence = fence + 1, holder = NULL, expires_at = NULL WHERE user_id = $1', [userId])
}

/** Every access that the person gave, and that was not given back. */
export async function listGrants(db: Database, userId: string): Promise<Grant[]> {
  const rows = await db.query<Pick<Grant, 'id' | 'of' | 'provider' | 'server'>>(
    `SELECT n.id, 'connection' AS of, n.provider, n.server FROM credentials c JOIN connections n ON n.id = c.connection_id
     WHERE c.user_id = $1 AND c.field = 'access_token'
     UNION ALL SELECT id, 'parked', provider, server FROM parked_accounts WHERE user_id = $1 AND sealed IS NOT NULL
     ORDER BY provider, server, id`,
    [userId],
  )
  return rows.map((row) => ({ ...row, outcome: 'pending', reason: null, tries: 0 }))
}

/** Which queues may know of the person, and of which of their connections: removed ones too. */
export async function listQueued(db: Database, userId: string): Promise<Pick<ToForget, 'networks' | 'connections'>> {
  const rows = await db.query<{ id: string; provider: string }>(
    "SELECT id, provider FROM connections WHERE user_id = $1 AND kind = 'network' ORDER BY provider, id",
    [userId],
  )
  return { networks: [...new Set(rows.map(({ provider }) => provider))], connections: rows.map(({ id }) => id) }
}

export interface ToForget {
  networks: string[]
  connections: string[]
  /** Storages whose files go as well. */
  removes: string[]
}

/** Lets the conductor have everything outside of accounts forgotten; it is asked for once, and lies ready again when asked anew. */
export async function askToForget(tx: Database, userId: string, wanted: ToForget): Promise<void> {
  const again = await tx.query("UPDATE outbox SET claimable_at = now() WHERE user_id = $1 AND kind = 'forget-person' RETURNING id", [
    userId,
  ])
  if (again.length > 0) return
  await tx.query("INSERT INTO outbox (user_id, kind, payload) VALUES ($1, 'forget-person', $2)", [userId, JSON.stringify(wanted)])
}

/** Tells the conductor which work has ended, so that it stops at once and not by its next heartbeat. */
export async function tellStopped(tx: Database, userId: string, jobs: readonly SyncJob[]): Promise<void> {
  if (jobs.length === 0) return
  const payload = { jobs: jobs.map(({ network, connectionId, stream }) => ({ network, connectionId, stream })) }
  await tx.query("INSERT INTO outbox (user_id, kind, payload) VALUES ($1, 'stop-work', $2)", [userId, JSON.stringify(payload)])
}

/** While a provider is still to be asked, nothing tells any more who the person was; their address is free for others. */
export async function dropIdentity(tx: Database, userId: string): Promise<void> {
  for (const table of ['passwords', 'identities', 'passkeys', 'known_devices', 'notifications'])
    await tx.query(`DELETE FROM ${table} WHERE user_id = $1`, [userId])
  await tx.query("UPDATE users SET name = '', email = NULL, email_verified_at = NULL WHERE id = $1", [userId])
}

/** Whether Redis has yet to be told of sessions that were ended. */
export async function hasEndedSessions(db: Database, userId: string): Promise<boolean> {
  return (await db.query('SELECT FROM ended_sessions WHERE user_id = $1 LIMIT 1', [userId])).length > 0
}

const batch = 5000

/** Deletes the person, and every row of theirs; answers how many of what. Many go a few thousand at a time: no statement may take long. */
export async function deletePerson(tx: Database, userId: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { name } of personTables) {
    if (goOtherwise.includes(name)) continue
    for (let deleted = batch; deleted === batch; counts[name] = (counts[name] ?? 0) + deleted) {
      const [row] = await tx.query<{ count: number }>(
        `WITH gone AS (DELETE FROM ${name} WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${name} WHERE user_id = $1 LIMIT ${batch})) RETURNING 1)
         SELECT count(*) FROM gone`,
        [userId],
      )
      deleted = row?.count ?? 0
    }
  }
  await tx.query('DELETE FROM users WHERE id = $1', [userId])
  return { ...counts, users: 1 }
}

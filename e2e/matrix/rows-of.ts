import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'

/** Tables that hold nothing of any one person. Every other one must say whose a row is, or this throws. */
const nobodys = new Set([
  'accounts.app_registrations',
  'accounts.key_checks',
  'accounts.network_controls',
  'accounts.session_mirror',
  'accounts.throttles',
  'platform.forgotten',
])

/** Columns that change by themselves: a lease is renewed for as long as the tests take, and a page is noted as looked through for its words. */
const passing: Readonly<Record<string, readonly string[]>> = {
  'accounts.leases': ['expires_at'],
  'platform.pages': ['read_sha256', 'read_after', 'read_tries'],
}

/**
 * A checksum for each table of what a person has in it, and one for each of their files: the same before and after, when
 * nobody has touched anything of theirs. Waits for what the services themselves still have to announce to the person.
 */
export async function checksumsOf(databaseUrl: string, files: string, userId: string): Promise<Record<string, string>> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const { rows: tables } = await client.query<{ name: string; columns: string[] }>(
      `SELECT format('%I.%I', table_schema, table_name) AS name, array_agg(column_name::text) AS columns FROM information_schema.columns
       JOIN information_schema.tables USING (table_schema, table_name)
       WHERE table_schema IN ('accounts', 'platform') AND table_type = 'BASE TABLE' AND table_name NOT LIKE '%migration%' GROUP BY 1 ORDER BY 1`,
    )
    await announced(client, userId)
    const sums: Record<string, string> = {}
    for (const { name, columns } of tables) {
      if (nobodys.has(name)) continue
      const row = name in passing ? `(to_jsonb(t) - '{${passing[name]!.join()}}'::text[])::text` : 't::text'
      const { rows } = await client.query<{ sum: string; many: string }>(
        `SELECT count(*) AS many, md5(coalesce(string_agg(${row}, E'\\n' ORDER BY ${row}), '')) AS sum FROM ${name} t WHERE ${ownerIn(name, columns)}`,
        [userId],
      )
      sums[name] = `${rows[0]!.many} rows ${rows[0]!.sum}`
    }
    return { ...sums, ...(await filesOf(join(files, userId))) }
  } finally {
    await client.end()
  }
}

async function announced(client: pg.Client, userId: string): Promise<void> {
  const until = Date.now() + 15_000
  while (Date.now() < until) {
    const { rowCount } = await client.query('SELECT 1 FROM accounts.outbox WHERE user_id = $1', [userId])
    if (rowCount === 0) return
    await wait(100)
  }
}

function ownerIn(name: string, columns: readonly string[]): string {
  if (name === 'accounts.users') return 'id = $1'
  if (columns.includes('user_id')) return 'user_id = $1'
  if (columns.includes('connection_id')) return 'connection_id IN (SELECT id FROM accounts.connections WHERE user_id = $1)'
  if (columns.includes('storage_id')) return 'storage_id IN (SELECT id FROM accounts.connections WHERE user_id = $1)'
  throw new Error(`Whose are the rows of ${name}?`)
}

async function filesOf(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const sums = await Promise.all(
    files.map(
      async (file) =>
        [
          file,
          createHash('sha256')
            .update(await readFile(file))
            .digest('hex'),
        ] as const,
    ),
  )
  return Object.fromEntries(sums)
}

import pg from 'pg'
import type { Secrets } from '../secrets.ts'

const database = 'asheville'
const services = ['accounts', 'platform'] as const
/** `queue` owns BullMQ's schema, where its jobs are kept in Postgres. */
const owners = [...services, 'queue'] as const

/**
 * The database on the embedded Postgres, and a role for each that owns a schema in it, so that none can read what is another's.
 * Answers their addresses and the superuser's.
 */
export async function prepareDatabases(
  serverUrl: string,
  secrets: Secrets,
): Promise<{ admin: string; accounts: string; platform: string; queue: string }> {
  const admin = withPath(serverUrl, database)
  await onServer(serverUrl, async (client) => {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database])
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${database}`)
    for (const role of owners) {
      const exists = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [role])
      if (exists.rowCount === 0) await client.query(`CREATE ROLE ${role} LOGIN`)
      await client.query(`ALTER ROLE ${role} PASSWORD ${pg.escapeLiteral(secrets.databasePasswords[role])}`)
      await client.query(`GRANT CREATE, CONNECT, TEMPORARY ON DATABASE ${database} TO ${role}`)
    }
  })
  // Extensions live in public, made by whichever migration needs one first.
  await onServer(admin, (client) => client.query(`GRANT USAGE, CREATE ON SCHEMA public TO ${services.join(', ')}`))
  const [accounts = '', platform = '', queue = ''] = owners.map((role) => {
    const url = new URL(admin)
    url.username = role
    url.password = secrets.databasePasswords[role]
    return url.href
  })
  return { admin, accounts, platform, queue }
}

/** Throws when the operator's Postgres cannot be reached, or is too old. */
export async function checkDatabase(url: string): Promise<void> {
  try {
    await onServer(url, async (client) => {
      const { rows } = await client.query<{ version: number }>("SELECT current_setting('server_version_num')::int AS version")
      if ((rows[0]?.version ?? 0) < 150_000) throw new Error('it is older than Postgres 15')
    })
  } catch (cause) {
    throw new Error(`The Postgres of DATABASE_URL cannot be used: ${reasonOf(cause)}`, { cause })
  }
}

async function onServer(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000, query_timeout: 20_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await work(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}

function withPath(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}

/** Node gathers the failures of several addresses under one without a message. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ')
  return error instanceof Error ? error.message : String(error)
}

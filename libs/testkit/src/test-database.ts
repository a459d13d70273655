import { createHash, randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { migrate, quoteIdentifier } from '@asheville/database'
import pg from 'pg'

/** Whom row-level security binds, as it does the services' own roles and no superuser. */
const role = 'asheville_test'
const password = 'asheville'

/**
 * A database of its own, migrated: cloned from a template that is made once per state of the migrations. `TEST_DATABASE_URL`
 * (a superuser's, as `npm test` sets it) says where. `url` is for the service, `adminUrl` for looking at everybody's rows. `close()`
 * drops it, whoever is still connected.
 */
export async function testDatabase(
  schema: string,
  migrationsDirectory: string,
): Promise<{ url: string; adminUrl: string; close(): Promise<void> }> {
  const server = testServer()
  const template = `template_${schema}_${await hashOf(migrationsDirectory)}`
  const name = `test_${schema}_${randomBytes(6).toString('hex')}`
  await onServer(server, async (client) => {
    await client.query('SELECT pg_advisory_lock(hashtext($1))', [template])
    try {
      await ensureRole(client)
      await ensureTemplate(client, server, template, schema, migrationsDirectory)
      await client.query(`CREATE DATABASE ${quoteIdentifier(name)} TEMPLATE ${quoteIdentifier(template)} OWNER ${role}`)
    } finally {
      await client.query('SELECT pg_advisory_unlock(hashtext($1))', [template])
    }
  })
  return { url: urlOf(server, name, role), adminUrl: urlOf(server, name), close: () => drop(server, name) }
}

/** A database of its own with nothing in it, for what makes its schema itself. */
export async function emptyTestDatabase(): Promise<{ url: string; close(): Promise<void> }> {
  const server = testServer()
  const name = `test_empty_${randomBytes(6).toString('hex')}`
  await onServer(server, async (client) => {
    await ensureRole(client)
    await client.query(`CREATE DATABASE ${quoteIdentifier(name)} OWNER ${role}`)
  })
  return { url: urlOf(server, name, role), close: () => drop(server, name) }
}

function testServer(): string {
  const server = process.env['TEST_DATABASE_URL']
  if (server === undefined) throw new Error('TEST_DATABASE_URL is not set: run tests with npm test')
  return server
}

async function drop(server: string, name: string): Promise<void> {
  await onServer(server, async (client) => {
    await client.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)} WITH (FORCE)`)
  })
}

/** Several test processes may come at once. */
async function ensureRole(client: pg.Client): Promise<void> {
  await client.query(
    `DO $$ BEGIN CREATE ROLE ${role} LOGIN PASSWORD '${password}'; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`,
  )
}

async function ensureTemplate(client: pg.Client, server: string, template: string, schema: string, directory: string): Promise<void> {
  const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [template])
  if (found.rowCount !== 0) return
  // Renamed only when it is whole: a run that dies in between leaves no half template.
  const draft = `draft_${randomBytes(6).toString('hex')}`
  await client.query(`CREATE DATABASE ${quoteIdentifier(draft)} OWNER ${role}`)
  await migrate({ url: urlOf(server, draft, role), schema, directory })
  await client.query(`ALTER DATABASE ${quoteIdentifier(draft)} RENAME TO ${quoteIdentifier(template)}`)
}

async function hashOf(directory: string): Promise<string> {
  const hash = createHash('sha256')
  for (const file of (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort()) {
    hash
      .update(file)
      .update('\0')
      .update(await readFile(join(directory, file)))
      .update('\0')
  }
  return hash.digest('hex').slice(0, 16)
}

function urlOf(server: string, database: string, as?: typeof role): string {
  const url = new URL(server)
  url.pathname = `/${database}`
  if (as !== undefined) [url.username, url.password] = [as, password]
  return url.href
}

async function onServer(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: 'asheville-testkit' })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

import { AshevilleError } from '@asheville/core'
import { runner } from 'node-pg-migrate'
import pg from 'pg'
import { translateError } from './errors.ts'

export interface MigrateOptions {
  url: string
  schema: string
  /** Holds the migrations: `001_what-it-does.sql`, `002_…`; each is run once, in this order. */
  directory: string
  /** What waiting for another process that migrates may take; 60,000 unless said otherwise. */
  lockTimeoutMs?: number
}

/**
 * Brings a schema up to date, creating it when it is not there, and answers the names of the migrations that it ran. They
 * are one transaction: either all of them are in, or none. Several processes may call it at once; one after the other does
 * the work. Extensions belong in `public` (`CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public`), which is in the search path.
 * Errors: `unavailable` when Postgres is not there or another migration does not end; else the failing statement's.
 */
export async function migrate(options: MigrateOptions): Promise<string[]> {
  const { url, schema, directory, lockTimeoutMs = 60_000 } = options
  const client = new pg.Client({
    connectionString: url,
    application_name: `asheville-${schema}-migrate`,
    connectionTimeoutMillis: 10_000,
    lock_timeout: lockTimeoutMs,
    // What migrates data is for everybody's.
    options: '-c asheville.person=*',
  })
  let lost = false
  client.on('error', () => (lost = true))
  await client.connect().catch((error: unknown) => {
    throw translateError(error)
  })
  try {
    const ran = await runner({
      dbClient: client,
      dir: directory,
      ignorePattern: '(?!.*\\.sql).*',
      direction: 'up',
      schema: [schema, 'public'],
      createSchema: true,
      migrationsSchema: schema,
      migrationsTable: 'migrations',
      singleTransaction: true,
      advisoryLockMode: 'wait',
      logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
    })
    return ran.map((migration) => migration.name)
  } catch (error) {
    if (lost || error instanceof pg.DatabaseError) throw translateError(error)
    throw new AshevilleError('unexpected', `Migrating ${schema} failed: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  } finally {
    await client.end().catch(() => undefined)
  }
}

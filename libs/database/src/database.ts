import { AshevilleError } from '@asheville/core'
import pg from 'pg'
import { currentCaller, nobody } from './caller.ts'
import { translateError } from './errors.ts'
import { types } from './types.ts'

/** What a query takes. JSON goes in as text (`JSON.stringify`), so that an array is always a Postgres array. */
export type SqlValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Date
  | Uint8Array
  | readonly (string | null)[]
  | readonly (number | null)[]
  | readonly (boolean | null)[]
  | readonly (Date | null)[]
  | readonly (Uint8Array | null)[]

/**
 * One schema of a Postgres database. Rows come back with `timestamptz` as ISO 8601 in UTC with milliseconds, `bigint` as
 * number (one beyond 2^53 throws), `numeric` as string. Postgres keeps microseconds: write `date_trunc('milliseconds', now())`
 * where the value is compared later.
 */
export interface Database {
  /**
   * The rows of one statement. Errors: `unavailable` (Postgres cannot be reached, does not answer in time, a lock is not
   * had, a deadlock), `conflict` (a constraint: `isUniqueViolation` tells which), `invalid` (text with a character, or a
   * number or date, that Postgres cannot hold), `unexpected` for the rest.
   */
  query<Row extends object = Record<string, unknown>>(text: string, values?: readonly SqlValue[]): Promise<Row[]>
  /** Commits when `work` resolves, rolls back when it throws. Inside a transaction it is a savepoint. */
  transaction<T>(work: (db: Database) => Promise<T>): Promise<T>
  /** Waits for what runs and closes every connection. Inside a transaction it throws. */
  close(): Promise<void>
}

export interface DatabaseOptions {
  url: string
  schema: string
  /** Connections at most; 10 unless said otherwise. */
  poolSize?: number
  /** What one statement may take, on both sides; 2,000 unless said otherwise. */
  queryTimeoutMs?: number
  /** What getting a connection may take, waiting for a free one included; 1,500 unless said otherwise. */
  connectTimeoutMs?: number
}

/**
 * A pool of connections with a deadline on everything, so that a stopped or frozen Postgres is an `unavailable` within two
 * seconds and never a hang. Nothing is connected before the first query.
 */
export function createDatabase(options: DatabaseOptions): Database {
  const { url, schema, poolSize = 10, queryTimeoutMs = 2_000, connectTimeoutMs = 1_500 } = options
  const pool = new pg.Pool({
    connectionString: url,
    options: `-c search_path=${quoteIdentifier(schema)},public`,
    application_name: `asheville-${schema}`,
    max: poolSize,
    types,
    keepAlive: true,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: 30_000,
    query_timeout: queryTimeoutMs,
    statement_timeout: queryTimeoutMs,
    lock_timeout: connectTimeoutMs,
    // A frozen process of ours must not keep row locks for ever.
    idle_in_transaction_session_timeout: 10_000,
  })
  // An idle connection that breaks leaves the pool by itself; the next query tells whether Postgres is there.
  pool.on('error', () => undefined)
  const connections = new WeakMap<pg.PoolClient, Connection>()

  async function withConnection<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    if (pool.ending) throw new AshevilleError('unexpected', 'The database was closed')
    const client = await pool.connect().catch((error: unknown) => {
      throw translateError(error)
    })
    let broken = false
    // The pool listens to idle ones alone: one that breaks between two statements of a transaction would end the process.
    const onError = () => (broken = true)
    client.on('error', onError)
    try {
      const connection = connections.get(client) ?? { client, caller: nobody }
      connections.set(client, connection)
      return await work(connection)
    } catch (error) {
      broken ||= isBroken(error)
      throw error
    } finally {
      if (!broken) client.off('error', onError)
      client.release(broken)
    }
  }

  return {
    query: (text, values = []) => withConnection((connection) => run(connection, text, values)),
    transaction: (work) => withConnection((connection) => inTransaction(connection, ['BEGIN', 'COMMIT', 'ROLLBACK'], 1, work)),
    close: () => pool.end(),
  }
}

/** One connection of the pool, and whom Postgres takes its statements for; null: what was rolled back may have changed it. */
interface Connection {
  readonly client: pg.PoolClient
  caller: string | null
}

async function run<Row extends object>(connection: Connection, text: string, values: readonly SqlValue[]): Promise<Row[]> {
  const { client } = connection
  try {
    const caller = currentCaller()
    if (connection.caller !== caller) {
      await client.query("SELECT set_config('asheville.person', $1, false)", [caller])
      connection.caller = caller
    }
    const result = await client.query<Row>(text, [...values])
    return result.rows
  } catch (error) {
    throw translateError(error)
  }
}

async function rollBack(connection: Connection, statement: string): Promise<void> {
  connection.caller = currentCaller()
  await run(connection, statement, [])
  connection.caller = null
}

async function inTransaction<T>(
  connection: Connection,
  [begin, commit, rollback]: readonly [string, string, string],
  depth: number,
  work: (db: Database) => Promise<T>,
): Promise<T> {
  const name = `level_${depth}`
  const savepoint = [`SAVEPOINT ${name}`, `RELEASE SAVEPOINT ${name}`, `ROLLBACK TO SAVEPOINT ${name}`] as const
  const db: Database = {
    query: (text, values = []) => run(connection, text, values),
    transaction: (inner) => inTransaction(connection, savepoint, depth + 1, inner),
    close: () => Promise.reject(new AshevilleError('unexpected', 'A transaction is ended by returning from it, not by close()')),
  }
  await run(connection, begin, [])
  let result: T
  try {
    result = await work(db)
  } catch (error) {
    // On a broken connection the server rolls back by itself.
    if (!isBroken(error)) await rollBack(connection, rollback)
    throw error
  }
  await run(connection, commit, [])
  return result
}

/** Whether the connection that threw this cannot be used again: anything but an answer by a living server. */
function isBroken(error: unknown): boolean {
  const cause = error instanceof AshevilleError ? error.cause : undefined
  if (cause === undefined) return false
  return !(cause instanceof pg.DatabaseError) || cause.severity === 'FATAL'
}

/** A name as SQL writes it: `a"b` → `"a""b"`. */
export function quoteIdentifier(name: string): string {
  return pg.escapeIdentifier(name)
}

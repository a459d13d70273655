import { setTimeout as delay } from 'node:timers/promises'
import { AshevilleError } from '@asheville/core'
import type { RedisOptions } from '@asheville/redis'
import {
  assertSchemaCompatibility,
  createPostgresBackend,
  DEFAULT_SCHEMA,
  LATEST_SCHEMA_VERSION,
  Queue,
  runMigrations,
  SchemaMigrationRequiredError,
  SchemaVersionMismatchError,
  UnsupportedPostgresVersionError,
  Worker,
} from 'bullmq'
import pg from 'pg'
import type { HeldJob, QueueBackend } from './queue-backend.ts'
import { createQueueCache } from './queue-cache.ts'

/** Each worker keeps one connection to be woken by; what is left is shared by everybody's statements. */
const mostConnections = 20
const connectMs = 1500
const queryMs = 5000
/** The first start writes all of BullMQ's functions; others wait for it. */
const migrationMs = 60_000
const retryMs = 1000

/**
 * Jobs in Postgres, in BullMQ's own schema `bullmq`, which whoever comes first makes or brings up to date. All queues of the process share
 * one pool. Its statements have deadlines, so that a frozen Postgres is an error and no hang.
 */
export function openPostgresBackend(url: string, { onOutage }: RedisOptions): QueueBackend {
  const pool = new pg.Pool({
    connectionString: url,
    options: `-c search_path=${DEFAULT_SCHEMA}`,
    application_name: 'asheville-queue',
    max: mostConnections,
    keepAlive: true,
    connectionTimeoutMillis: connectMs,
    query_timeout: queryMs,
    statement_timeout: queryMs,
    idle_in_transaction_session_timeout: 10_000,
  })
  // Every queue and worker listens to it.
  pool.setMaxListeners(0)
  let isDown = false
  const down = (error: Error) => {
    if (!isDown) onOutage?.(true, error)
    isDown = true
  }
  const up = () => {
    if (isDown) onOutage?.(false, null)
    isDown = false
  }
  pool.on('error', down)
  pool.on('connect', up)

  let migrated: Promise<void> | null = null
  /** Until the schema is there BullMQ would remember its failure for good. */
  const ready = (): Promise<void> => {
    migrated ??= migrate(url).catch((error: Error) => {
      migrated = null
      down(error)
      throw error
    })
    return migrated
  }

  const queues = createQueueCache(async (name) => {
    await ready()
    const queue = new Queue(name, { connection: pool }, createPostgresBackend)
    queue.on('error', () => undefined)
    await queue.waitUntilReady()
    return queue
  })

  return {
    kind: 'postgres',

    get isDown() {
      return isDown
    },

    queue: (name) => queues.get(name),

    async openWorker(name, process, settings, signal) {
      for (;;) {
        signal.throwIfAborted()
        try {
          await ready()
          const worker = new Worker(name, process, { ...settings, connection: pool }, createPostgresBackend)
          await worker.waitUntilReady()
          return worker
        } catch {
          await delay(retryMs, undefined, { signal })
        }
      }
    },

    async hasWaiting(name) {
      const { rows } = await pool.query<{ has: boolean }>(
        `SELECT EXISTS (SELECT FROM job WHERE queue = $1 AND state = 'waiting')
           OR EXISTS (SELECT FROM job WHERE queue = $1 AND state = 'delayed' AND process_at_ms <= $2) AS has`,
        [name, Date.now() + 1],
      )
      return rows[0]?.has ?? false
    },

    async listHeld(name) {
      await ready()
      const { rows } = await pool.query<HeldJob>(
        `SELECT id, processed_by AS holder, lock_token AS token FROM job WHERE queue = $1 AND state = 'active' AND lock_token IS NOT NULL`,
        [name],
      )
      return rows
    },

    async forgetInEvents(name, connectionIds) {
      await pool.query(`DELETE FROM event WHERE queue = $1 AND data::text LIKE ANY ($2)`, [name, connectionIds.map((id) => `%${id}%`)])
    },

    async check() {
      try {
        await ready()
        await pool.query('SELECT 1')
      } catch (cause) {
        if (cause instanceof UnsupportedPostgresVersionError || cause instanceof SchemaVersionMismatchError)
          throw new AshevilleError('invalid', cause.message, { cause })
        throw new AshevilleError('unavailable', 'The queue does not answer', { cause, retryAfterMs: 2000 })
      }
    },

    async close() {
      await queues.close()
      await pool.end()
    },
  }
}

/** Needs the right to make a schema only where there is something to be made. */
async function migrate(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: connectMs, query_timeout: migrationMs })
  client.on('error', () => undefined)
  try {
    await client.connect()
    if ((await schemaVersion(client)) < LATEST_SCHEMA_VERSION) await runMigrations(client, DEFAULT_SCHEMA)
  } finally {
    await client.end().catch(() => undefined)
  }
}

async function schemaVersion(client: pg.Client): Promise<number> {
  try {
    return await assertSchemaCompatibility(client, DEFAULT_SCHEMA)
  } catch (error) {
    if (error instanceof SchemaMigrationRequiredError) return 0
    throw error
  }
}

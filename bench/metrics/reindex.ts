import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { createDatabase, type Database } from '@asheville/database'
import { lower } from '@asheville/e2e/figures.ts'
import { untilAtRest } from '@asheville/e2e/harness/index.ts'
import { startScene, type Scene } from '@asheville/e2e/scene.ts'
import type { Metric } from '../metric.ts'
import { cpuOf } from '../processes.ts'

const atOnce = 500
const months = 120
const wordsMs = 20 * 60_000

/** What of the index the storage alone decides, by table. */
const tables = {
  items:
    'user_id, key, id, network, account_id, connection_id, stream, content_type, at, updated_at, seen_at, gone_at, hash, path, row_number() OVER (PARTITION BY sorted_at ORDER BY arrived)',
  pages: 'user_id, path, month, part, revision, sha256, bytes, items',
  accounts: 'user_id, network, account_id, folder, handle, title, url',
  media: 'user_id, sha256, path, bytes, media_type, is_stored',
  media_sources: 'user_id, url, sha256',
  places: 'user_id, key, latitude, longitude',
  absent_items: 'user_id, key, cause',
  words: 'key, hash, (SELECT array_agg(mark ORDER BY mark) FROM unnest(marks) mark)',
}

/**
 * Loses the index of somebody with 100,000 items and has `npm run asheville -- reindex` make it anew from their storage: how many tables differ afterwards, words and places
 * among them, and how long that takes until keys and dates are there, and words.
 */
export const reindex: Metric = {
  name: 'reindex',
  isNamedAlone: true,
  async measure({ quick }) {
    const scene = await startScene({ rateLimit: null }, { seed: 'reindex', statuses: 20 }, { SYNC_INTERVAL_MINUTES: '1000' })
    const db = createDatabase({ url: scene.instance.constellation.databaseUrl, schema: 'platform', poolSize: 2, queryTimeoutMs: 120_000 })
    try {
      const total = quick ? 5000 : 100_000
      await fill(scene, total)
      await untilAtRest(scene.instance.constellation)
      await untilWordsAreFound(db)
      const before = await indexOf(db)
      if ((before.items?.rows ?? 0) < total) throw new Error(`${before.items?.rows} items were stored`)
      for (const table of Object.keys(tables)) await db.query(`DELETE FROM ${table}`)

      const started = performance.now()
      const platform = scene.instance.constellation.pids.platform
      const cpuBefore = await cpuOf(platform)
      await runReindex(scene)
      const seconds = (performance.now() - started) / 1000
      const cpuSeconds = ((await cpuOf(platform)) - cpuBefore) / 1000
      await untilWordsAreFound(db)
      const secondsOfAll = (performance.now() - started) / 1000
      const after = await indexOf(db)
      const different = Object.keys(tables).filter((table) => JSON.stringify(after[table]) !== JSON.stringify(before[table]))
      for (const table of different) console.error(`${table}: ${JSON.stringify(before[table])} before, ${JSON.stringify(after[table])} now`)
      return [
        lower('reindex', different.length, `tables that differ, of ${total} items`, 0),
        lower('reindex-time', seconds, 's'),
        lower('reindex-cpu', cpuSeconds, 's of CPU of platform'),
        lower('reindex-words-time', secondsOfAll, 's until words are found as well'),
      ]
    } finally {
      await db.close()
      await scene.close()
    }
  },
}

/** Stores so many items as a worker would, over ten years, one in fifty without a date and one in a hundred from a place. */
async function fill({ instance, person: { userId } }: Scene, total: number): Promise<void> {
  const { connections } = await instance.accounts('web').listConnections({ userId, query: {} })
  const storage = connections.find(({ kind }) => kind === 'storage')!
  const { id: connectionId, provider: network, accountId, handle } = connections.find(({ kind }) => kind === 'network')!
  const account = { id: accountId, handle, title: 'Alice', url: null }
  const origin = { storageId: storage.id, connectionId, stream: 'statuses', fence: 1, network, account, gone: [], covers: [] }
  for (let first = 0; first < total; first += atOnce) {
    const items = Array.from({ length: Math.min(atOnce, total - first) }, (_, index) => postOf(first + index, total))
    await instance.platform('workers').putItems({ userId, body: { ...origin, items } })
    if (first % 10_000 === 0) console.error(`${first} of ${total} items stored`)
  }
}

function postOf(number: number, total: number) {
  const at = number % 50 === 0 ? null : new Date(Date.UTC(2015, 0) + (number * months * 30 * 86_400_000) / total).toISOString()
  const id = `https://example.social/@alice/${String(number).padStart(8, '0')}`
  const content = `<p>A story of ${number}, told on a morning by the sea, with ${number % 977} gulls</p>`
  const location = number % 100 === 1 ? { location: { type: 'Place', latitude: (number % 90) + 0.5, longitude: 13.5 } } : {}
  const object = { id, type: 'Note', ...(at !== null && { published: at }), content, ...location }
  const seenAt = '2025-06-01T12:00:00.000Z'
  return { id, contentType: 'posts' as const, at, object, media: [], raw: { id: String(number), content }, seenAt, mediaStates: {} }
}

/** Its progress is told as it comes. */
async function runReindex({ instance: { constellation } }: Scene): Promise<void> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../scripts/asheville.ts'), 'reindex'], {
    env: { ...process.env, DATA_DIR: constellation.dataDir, PORT: String(constellation.port) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  createInterface(child.stdout).on('line', (line) => console.error(line))
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`It ended with ${code}`)
}

async function untilWordsAreFound(db: Database): Promise<void> {
  for (const until = Date.now() + wordsMs; ; await wait(500)) {
    // Otherwise a page that grows rests for a while.
    await db.query(
      `UPDATE pages SET read_after = '-infinity' WHERE read_tries = 0 AND sha256 IS DISTINCT FROM read_sha256 AND read_after > now()`,
    )
    const [row] = await db.query<{ unread: number }>('SELECT count(*) AS unread FROM pages WHERE sha256 IS DISTINCT FROM read_sha256')
    if (row?.unread === 0) return
    if (Date.now() > until) throw new Error(`The words of ${row?.unread} pages are not there yet`)
  }
}

/** How many rows each table has, and a hash of them. */
async function indexOf(db: Database): Promise<Record<string, { rows: number; hash: string } | undefined>> {
  const found = Object.entries(tables).map(async ([table, columns]) => {
    const [row] = await db.query<{ rows: number; hash: string }>(
      `SELECT count(*) AS rows, md5(string_agg(line, E'\\n' ORDER BY line COLLATE "C")) AS hash FROM (SELECT (row(${columns}))::text AS line FROM ${table}) AS lines`,
    )
    return [table, row] as const
  })
  return Object.fromEntries(await Promise.all(found))
}

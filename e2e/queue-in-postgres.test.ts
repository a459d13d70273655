import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import pg from 'pg'
import { syncNow } from './instance.ts'
import { pagesStored } from './kill-scenario.ts'
import { checkScene, startScene, type Scene } from './scene.ts'

let scene: Scene
let admin: pg.Client

beforeAll(async () => {
  const posts = { seed: 'queued', statuses: 1400, pictures: 10, favourites: 50, bookmarks: 50, following: 50 }
  scene = await startScene({ latencyMs: 200 }, posts, { QUEUE_BACKEND: 'postgres' })
  admin = new pg.Client({ connectionString: scene.instance.constellation.databaseUrl })
  await admin.connect()
}, 120_000)

afterAll(async () => {
  await admin?.end()
  await scene?.close()
}, 60_000)

test('with the queue in Postgres a first sync comes through: its worker killed, then its queue emptied', async () => {
  const { instance, person } = scene
  const blows: string[] = []
  let killedAt = 0
  const { state } = await syncNow(instance, person.userId, {
    whileRunning: async () => {
      const pages = (await pagesStored(instance, person.userId)) ?? 0
      if (blows.length === 0 && pages >= 2) {
        blows.push('killed')
        killedAt = pages
        instance.constellation.kill('workers')
      } else if (blows.length === 1 && pages > killedAt) {
        blows.push('emptied')
        await admin.query('TRUNCATE bullmq.job CASCADE')
        await admin.query('TRUNCATE bullmq.dedup, bullmq.dedup_next')
      }
    },
  })
  expect({ state, blows }).toEqual({ state: 'done', blows: ['killed', 'emptied'] })
  expect((await checkScene(scene)).findings).toEqual([])

  const redis = new Redis(instance.constellation.redisUrl)
  expect(await redis.keys('{sync-*')).toEqual([])
  redis.disconnect()
}, 120_000)

test('whoever may read the queue may read nothing else', async () => {
  const { QUEUE_URL } = scene.instance.constellation.env.workers
  const client = new pg.Client({ connectionString: QUEUE_URL })
  await client.connect()
  const { rows } = await client.query<{ schema: string }>(
    `SELECT DISTINCT table_schema AS schema FROM information_schema.table_privileges
     WHERE grantee IN (current_user, 'PUBLIC') AND table_schema NOT IN ('pg_catalog', 'information_schema')`,
  )
  await client.end()
  expect(rows).toEqual([{ schema: 'bullmq' }])
})

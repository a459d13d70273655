import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { startConstellation, type Constellation } from './constellation.ts'
import { startScroll, type Scroll } from './scroll.ts'

let scroll: Scroll
let all: Constellation

beforeAll(async () => {
  scroll = await startScroll({ count: 5000, perPage: 40, latencyMs: 20, pictures: 50 })
  all = await startConstellation(scroll.network)
})

afterAll(async () => {
  await all.close()
  await scroll.close()
})

async function startProcess() {
  const wanted = {
    urls: all.urls,
    privateKey: all.keys.privateKey('workers'),
    scrollUrl: scroll.url,
    pictures: 50,
    scratchDir: join(all.directory, 'scratch'),
    holder: 'the same each time',
  }
  const child = spawn(process.execPath, [join(import.meta.dirname, 'worker-process.ts'), JSON.stringify(wanted)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return child
}

const kills = Number(process.env['KILLS'] ?? 1)

test(
  `killed ${kills} times in the middle: nothing lost, nothing doubled, only what was under way is pulled again`,
  async () => {
    const { userId } = await all.connect()
    const { sync } = await all.web.conductor.createSync({ userId, body: { trigger: 'person', connectionIds: null } })
    let again = 0
    for (let number = 0; number < kills; number += 1) {
      const child = await startProcess()
      const before = scroll.delivered.size
      while (scroll.delivered.size < before + 8) await delay(20)
      await delay(Math.random() * 300)
      const stored = await checkpointed(userId)
      child.kill('SIGKILL')
      await once(child, 'exit')
      again += scroll.delivered.size - Math.floor(stored / 40)
    }
    const last = await startProcess()
    expect(await all.ended(userId, sync.id, 60_000)).toMatchObject({ state: 'done' })
    const ids = (await all.stored(userId)).map(({ id }) => id)
    expect(ids).toHaveLength(5000)
    expect(new Set(ids).size).toBe(5000)
    const twice = [...scroll.delivered.values()].reduce((sum, times) => sum + times - 1, 0)
    expect(twice).toBeLessThanOrEqual(again)
    last.kill('SIGTERM')
    await once(last, 'exit')
  },
  60_000 + kills * 45_000,
)

/** How many items are safely behind the checkpoint. */
async function checkpointed(userId: string): Promise<number> {
  const [walk] = await all.db.query<{ cursor: string | null }>(
    'SELECT w.cursor FROM walks w JOIN streams s ON s.connection_id = w.connection_id AND s.name = w.stream WHERE s.user_id = $1',
    [userId],
  )
  return walk?.cursor ? 5001 - (JSON.parse(walk.cursor) as { before: number }).before : 0
}

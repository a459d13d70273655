import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { pagesStored, runKillScenario } from './kill-scenario.ts'
import { syncNow } from './instance.ts'
import { checkScene, startScene, type Scene } from './scene.ts'

const kills = 3

test(`a worker that is killed ${kills} times in a first sync: nothing is lost, doubled, or pulled again once it is stored`, async () => {
  const outcome = await runKillScenario({ seed: 'killed', items: 1500, pictures: 30, kills, among: ['workers'], latencyMs: 150 })
  expect(outcome.verdict.findings).toEqual([])
  expect(outcome).toMatchObject({ ok: true, state: 'done' })
  expect(outcome.pages).toMatchObject({ stored: outcome.pages.needed, needless: 0 })
}, 180_000)

describe('a worker that is killed after the first page of an incremental walk', () => {
  let scene: Scene
  beforeAll(async () => {
    scene = await startScene({}, { seed: 'cut', statuses: 100, pictures: 5 })
  }, 120_000)
  afterAll(() => scene?.close(), 60_000)

  test('leaves no hole', async () => {
    const { instance, mastodon, person } = scene
    await syncNow(instance, person.userId)
    mastodon.generate({ seed: 'news', statuses: 200, from: '2025-06-01T00:00:00Z', to: '2025-07-01T00:00:00Z' })
    // A page each time that a batch is cut off.
    mastodon.latencyMs = 1500
    let killedAfter: number | null = null
    const { state } = await syncNow(instance, person.userId, {
      whileRunning: async () => {
        if (killedAfter !== null || !(await pagesStored(instance, person.userId))) return
        killedAfter = await pagesStored(instance, person.userId)
        instance.constellation.kill('workers')
        mastodon.addStatus({ text: 'Written while the worker was away', createdAt: '2025-07-02T00:00:00Z' })
        mastodon.latencyMs = 0
      },
    })
    expect({ state, killedAfter }).toEqual({ state: 'done', killedAfter: 1 })
    expect((await checkScene(scene)).findings).toEqual([])

    mastodon.addStatus({ text: 'Written afterwards', createdAt: '2025-07-03T00:00:00Z' })
    expect((await syncNow(instance, person.userId)).tally).toMatchObject({ new: 1, changed: 0 })
    expect((await checkScene(scene)).findings).toEqual([])
  }, 120_000)
})

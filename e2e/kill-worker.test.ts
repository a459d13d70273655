import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { checkCopy, mastodonTruth } from './check-copy.ts'
import { storedFiles, syncNow } from './instance.ts'
import type { Scene } from './scene.ts'
import { pagesStored, sceneOf, syncUnderKills } from './sync-under-kills.ts'

const plan = { seed: 'killed', items: 1500, pictures: 30, kills: 3, services: ['workers'] as const }
const none = { lost: [], doubled: [], unknown: [], unreadable: [], mediaLost: [], mediaDoubled: [] }

let scene: Scene

beforeAll(async () => {
  scene = await sceneOf(plan)
}, 120_000)

afterAll(() => scene?.close(), 60_000)

const faults = async () =>
  checkCopy(await storedFiles(scene.instance, scene.person.userId), mastodonTruth(scene.mastodon.truth()['alice']!))

describe('a worker that is killed', () => {
  test(`${plan.kills} times in the middle of a first sync: nothing is lost, doubled, or pulled again once it is stored`, async () => {
    const outcome = await syncUnderKills(scene, plan)
    expect(outcome).toMatchObject({ state: 'done', faults: none })
    expect(outcome.kills).toHaveLength(plan.kills)
    expect(outcome.pages).toMatchObject({ stored: outcome.pages.needed, needless: 0 })
  }, 120_000)

  test('after the first page of an incremental walk, which leaves no hole', async () => {
    const { instance, mastodon, person } = scene
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
    expect(await faults()).toEqual(none)

    mastodon.addStatus({ text: 'Written afterwards', createdAt: '2025-07-03T00:00:00Z' })
    expect((await syncNow(instance, person.userId)).tally).toMatchObject({ new: 1, changed: 0 })
    expect(await faults()).toEqual(none)
  }, 120_000)
})

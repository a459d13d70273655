import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startMastodon } from '@asheville/simulators'
import { connectOAuth, signUp, startInstance, storedFiles, storedItems, syncNow, type Instance } from './instance.ts'

const statuses = 5000
const kills = 10

let mastodon: Awaited<ReturnType<typeof startMastodon>>
let instance: Instance

beforeAll(async () => {
  mastodon = await startMastodon({ accounts: ['alice'], latencyMs: 150, rateLimit: null, pictureSize: { width: 16, height: 16 } })
  mastodon.generate({ seed: 'kills', statuses, pictures: 50 })
  instance = await startInstance([mastodon.url])
}, 120_000)

afterAll(async () => {
  await instance?.close()
  await mastodon?.close()
}, 60_000)

test(`${kills} kills of the worker in the middle of ${statuses} items lose nothing and double nothing`, async () => {
  const person = await signUp(instance)
  await connectOAuth(instance, person, 'mastodon', { server: mastodon.url }, (address) => mastodon.authorize(address))

  const killedAt: number[] = []
  let seen = 0
  const { state } = await syncNow(instance, person.userId, {
    timeoutMs: 240_000,
    // Every kill waits for progress since the last one, so that each falls into work and not into a restart.
    whileRunning: async () => {
      const pages = mastodon.counters.of('/statuses')
      if (killedAt.length >= kills || pages < seen + 6 || instance.constellation.pids.workers === undefined) return
      instance.constellation.kill('workers')
      killedAt.push(pages)
      seen = pages
      await Promise.resolve()
    },
  })

  const items = storedItems(await storedFiles(instance, person.userId))
  const ids = items.map(({ object }) => object.id)
  const truth = new Set(mastodon.truth()['alice']!.statuses.map(({ id }) => id))
  const pages = mastodon.counters.of('/statuses')
  const again = pages - Math.ceil(statuses / 40)
  process.stdout.write(`kills ${killedAt.length}, pages pulled ${pages} of ${Math.ceil(statuses / 40)}, again ${again}\n`)

  expect(state).toBe('done')
  expect(killedAt).toHaveLength(kills)
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids).toHaveLength(truth.size)
  const media = [...(await storedFiles(instance, person.userId)).keys()].filter((path) => path.startsWith('media/'))
  expect(media).toHaveLength(50)
}, 300_000)

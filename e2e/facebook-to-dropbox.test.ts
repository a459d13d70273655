import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { connectOAuth, syncNow } from './instance.ts'
import { untilAtRest } from './harness/index.ts'
import { startFacebookSide } from './network-side.ts'
import { checkPair, startPair, type Pair } from './pair.ts'
import { startDropboxSide } from './storage-side.ts'

let pair: Pair<Awaited<ReturnType<typeof startFacebookSide>>, Awaited<ReturnType<typeof startDropboxSide>>>

beforeAll(async () => {
  pair = await startPair(await startFacebookSide({ accounts: ['alice'] }), await startDropboxSide())
  pair.network.simulator.generate({
    ...{
      seed: 'to-dropbox',
      posts: 150,
      withMedia: 0.4,
      checkIns: 12,
      photos: 20,
      videos: 4,
      likes: 30,
      events: 6,
      wallPosts: 4,
      hidden: 0.1,
    },
    ...{ from: '2023-01-01T00:00:00Z', to: '2024-06-01T00:00:00Z' },
  })
}, 120_000)

afterAll(() => pair?.close(), 60_000)

const connectDeclining = (...decline: string[]) => {
  const { instance, person, network } = pair
  return connectOAuth(instance, person, 'facebook', {}, (address) => network.simulator.authorize(address, { decline }))
}
/** What their status page says, as text. */
async function statusPage(): Promise<string> {
  const { instance, person } = pair
  const headers = { accept: 'text/html', cookie: `asheville=${person.token}` }
  const response = await fetch(`http://127.0.0.1:${instance.constellation.port}/status`, { headers })
  return (await response.text()).replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ')
}
const graphCalls = () => pair.network.simulator.counters.snapshot().total

test('what was allowed is in Dropbox, whole; what was declined is told, and comes once it is allowed', async () => {
  const { instance, person, storage, network } = pair
  const { declined } = await connectDeclining('user_videos')
  expect(declined.sort()).toEqual(['user_events', 'user_videos'])
  expect((await syncNow(instance, person.userId)).state).toBe('done')
  expect((await checkPair(pair, ['alice'])).findings).toEqual([])
  expect(await statusPage()).toMatch(/Videos Not allowed.*What you did not allow at Facebook is not copied\. Allow it/)

  // Nothing new: one call for each stream that is allowed, and Dropbox is not asked at all.
  const [atFacebook, atDropbox] = [graphCalls(), await storage.calls(instance)]
  expect((await syncNow(instance, person.userId)).state).toBe('done')
  await untilAtRest(instance.constellation)
  expect([graphCalls() - atFacebook, (await storage.calls(instance)) - atDropbox]).toEqual([3, 0])

  // Connecting again asks again for what was declined, and goes on where it was.
  expect((await connectDeclining()).declined).toEqual(['user_events'])
  expect(await statusPage()).not.toContain('Not allowed')
  expect((await syncNow(instance, person.userId)).state).toBe('done')
  expect((await checkPair(pair, ['alice'])).findings).toEqual([])
  expect(network.simulator.counters.snapshot().other).not.toMatchObject({ tokensInAddress: expect.anything() })
}, 180_000)

test('an edit, a deletion and a page that is liked no more arrive; a permission that was taken back makes nothing gone', async () => {
  const { instance, person, network } = pair
  const { simulator } = network
  const [edited, removed] = simulator.truth('alice').posts
  const [liked] = simulator.truth('alice').likes
  simulator.edit(edited!.id, { message: 'Said better' })
  simulator.remove(removed!.id)
  simulator.unlikePage(liked!.id)
  const { tally } = await syncNow(instance, person.userId)
  expect(tally).toMatchObject({ changed: 1, new: 0 })
  expect(tally['gone']).toBeGreaterThanOrEqual(2)
  expect((await checkPair(pair, ['alice'])).findings).toEqual([])

  simulator.setPermission('user_likes', 'declined')
  const after = await syncNow(instance, person.userId)
  expect(after.tally).toMatchObject({ gone: 0, new: 0 })
  const { connections } = await instance.accounts('web').listConnections({ userId: person.userId, query: { kind: 'network' } })
  expect(connections).toMatchObject([{ provider: 'facebook', state: 'reconnect' }])
}, 120_000)

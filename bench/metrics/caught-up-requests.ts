import { startBluesky, startFeeds, startMastodon, type Simulator } from '@asheville/simulators'
import { lower, type Figure } from '@asheville/e2e/figures.ts'
import { connect, connectOAuth, signUp, startInstance, storedFiles, storedItems, syncNow, type Instance } from '@asheville/e2e/instance.ts'
import { untilAtRest } from '@asheville/e2e/harness/index.ts'
import { disk } from '@asheville/e2e/storage-side.ts'
import { requireDone, type Metric } from '../metric.ts'

const small = { width: 16, height: 16 }

/** What a sync costs that finds nothing new: requests per stream at each network, and calls to the storage. */
export const caughtUpRequests: Metric = {
  name: 'caught-up-requests',
  async measure({ quick }) {
    const count = quick ? 60 : 300
    const mastodon = await startMastodon({ accounts: ['alice'], pictureSize: small })
    const feeds = await startFeeds({ pictureSize: small })
    const bluesky = await startBluesky({ accounts: ['alice'], pictureSize: small })
    const servers: Record<string, Pick<Simulator, 'counters'>> = { mastodon, feeds, bluesky }
    let instance: Instance | undefined
    try {
      mastodon.generate({ seed: 'caught-up', statuses: count, pictures: 5, favourites: 50, bookmarks: 50, following: 50 })
      feeds.generate({ seed: 'caught-up', entries: 40, withPictures: 0.2 })
      await bluesky.generate({ seed: 'caught-up', posts: count, likes: 50, reposts: 20, follows: 50, images: 5 })

      instance = await startInstance([mastodon.url, feeds.url, bluesky.url])
      const person = await signUp(instance)
      await connectOAuth(instance, person, 'mastodon', { server: mastodon.url }, (address) => mastodon.authorize(address))
      await connect(instance, person, 'feeds', { url: feeds.url })
      const { handle, appPassword } = bluesky.account('alice')
      await connect(instance, person, 'bluesky', { handle, password: appPassword, server: bluesky.url })
      requireDone(await syncNow(instance, person.userId))
      const before = storedItems(await storedFiles(instance, person.userId)).length

      for (const { counters } of Object.values(servers)) counters.reset()
      const calls = await callsSoFar(instance)
      requireDone(await syncNow(instance, person.userId))
      const after = storedItems(await storedFiles(instance, person.userId)).length
      if (before === 0 || after !== before) throw new Error(`${before} items before, ${after} after`)

      const streams = await streamCounts(instance, person.userId)
      const requests = Object.entries(servers).map(([network, { counters }]): Figure => {
        const perStream = counters.snapshot().total / (streams.get(network) ?? 0)
        return lower(`caught-up-requests-${network}`, perStream, 'requests per stream', 1)
      })
      return [...requests, lower('caught-up-storage-calls', (await callsSoFar(instance)) - calls, 'calls', 0)]
    } finally {
      await instance?.close()
      await Promise.all([mastodon.close(), feeds.close(), bluesky.close()])
    }
  },
}

async function callsSoFar(instance: Instance): Promise<number> {
  await untilAtRest(instance.constellation)
  return disk.calls(instance)
}

async function streamCounts(instance: Instance, userId: string): Promise<Map<string, number>> {
  const { networks } = await instance.conductor('web').getStatus({ userId })
  return new Map(networks.map(({ connection, streams }) => [connection.provider, streams.length]))
}

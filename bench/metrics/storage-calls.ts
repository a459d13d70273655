import { lower, type Figure } from '@asheville/e2e/figures.ts'
import { untilAtRest } from '@asheville/e2e/harness/index.ts'
import { syncNow } from '@asheville/e2e/instance.ts'
import { startMastodonSide, startTwitterSide, type Posts, type StartNetwork } from '@asheville/e2e/network-side.ts'
import { startPair, type Pair } from '@asheville/e2e/pair.ts'
import { disk, startDropboxSide, type StorageSide } from '@asheville/e2e/storage-side.ts'
import { requireDone, requireRightPair, type Metric } from '../metric.ts'

/** Calls of a sync that are not for its page files: README, profile, manifest and the like. */
const allowance = 6

export const storageCallsOfFirstSync = storageCalls('storage-calls', startMastodonSide, () => Promise.resolve(disk))
export const dropboxCalls = storageCalls('dropbox-calls', startTwitterSide, () => startDropboxSide())

/**
 * What first syncs cost at the storage: of posts over five years; of another account, the same posts with pictures, so that the difference is the
 * pictures'; of a third one, as many posts within a year. Then what it costs to find nothing new.
 */
function storageCalls(name: string, startNetwork: StartNetwork, startStorage: () => Promise<StorageSide>): Metric {
  return {
    name,
    async measure({ quick }) {
      const [posts, pictures] = quick ? [2000, 100] : [10_000, 500]
      const years = { seed: 'calls', posts, from: '2020-01-01T00:00:00Z', to: '2024-12-31T00:00:00Z' }
      const pair = await startPair(await startNetwork({ accounts: ['alice', 'bob', 'carol'] }), await startStorage())
      try {
        const plain = await copy(pair, { ...years, account: 'alice' })
        const { pages } = (await requireRightPair(pair, ['alice'])).counts
        const illustrated = await copy(pair, { ...years, account: 'bob', pictures })
        const year = await copy(pair, { ...years, account: 'carol', from: '2024-01-01T00:00:00Z' })
        await requireRightPair(pair, ['alice', 'bob', 'carol'])
        return [
          lower(`${name}-per-page-file`, (plain - allowance) / pages, 'calls', 1.25),
          lower(`${name}-per-picture`, (illustrated - plain) / pictures, 'calls', 1.2),
          lower(`${name}-of-a-year`, year / (posts / 1000), 'calls per 1,000 posts', 3),
          lower(`${name}-page-files`, pages, 'files'),
          ...(await caughtUp(name, pair)),
        ]
      } finally {
        await pair.close()
      }
    },
  }
}

/** Connects an account that has these posts; answers how many calls its first sync takes, all that follows from it included. */
async function copy(pair: Pair, posts: Posts): Promise<number> {
  const { network, instance, person } = pair
  const before = await callsSoFar(pair)
  network.generate(posts)
  await network.connect(instance, person, posts.account)
  requireDone(await syncNow(instance, person.userId, { timeoutMs: 1_200_000 }))
  return (await callsSoFar(pair)) - before
}

async function caughtUp(name: string, pair: Pair): Promise<Figure[]> {
  const { network, instance, person } = pair
  const before = await callsSoFar(pair)
  network.simulator.counters.reset()
  requireDone(await syncNow(instance, person.userId))
  const { networks } = await instance.conductor('web').getStatus({ userId: person.userId })
  const streams = networks.reduce((sum, one) => sum + one.streams.length, 0)
  return [
    lower(`${name}-caught-up`, (await callsSoFar(pair)) - before, 'calls', 0),
    lower(`${name}-caught-up-requests`, network.simulator.counters.snapshot().total / streams, 'requests per stream', 1),
  ]
}

async function callsSoFar({ storage, instance }: Pair): Promise<number> {
  await untilAtRest(instance.constellation)
  return storage.calls(instance)
}

import { lower } from '@asheville/e2e/figures.ts'
import { syncNow } from '@asheville/e2e/instance.ts'
import { startMastodonSide, startTwitterSide, type StartNetwork } from '@asheville/e2e/network-side.ts'
import { startPair, type Pair } from '@asheville/e2e/pair.ts'
import { disk, startDropboxSide, type StorageSide } from '@asheville/e2e/storage-side.ts'
import { compare, median } from '../compare.ts'
import { requireDone, requireRightPair } from '../metric.ts'
import { cpuOfServices } from '../processes.ts'

const latencyMs = 50
/** What each call to Dropbox takes at least: three times the network's. Dropbox publishes nothing of that. */
const dropboxMs = 150
const accounts = ['alice', 'bob', 'carol']

interface FirstSyncs extends Pair {
  accounts: readonly string[]
  /** The addresses of the pages of the last one, in order. */
  pages: string[]
}

export const firstSyncWall = wall('first-sync-wall', startMastodonSide, () => Promise.resolve(disk), 5)
export const dropboxWall = wall('dropbox-wall', startTwitterSide, () => startDropboxSide({ latencyMs: dropboxMs }), null)

/**
 * How long a first sync takes, against a client that asks for the same pages one after the other, as their cursors demand, and does nothing with
 * them. From the arrival of the first request for a page to the instant that accounts stored as the sync's end, which is after
 * its last checkpoint. Each round is the first sync of another account.
 */
function wall(name: string, startNetwork: StartNetwork, startStorage: () => Promise<StorageSide>, perPageMs: number | null) {
  return compare<FirstSyncs>({
    name,
    unit: 'x pages x round trip',
    valueUnit: 'ms',
    goal: 1.2,
    rounds: ({ quick }) => (quick ? 1 : accounts.length),
    async setup({ quick }, opened) {
      const wanted = quick ? accounts.slice(0, 1) : accounts
      const network = await startNetwork({ accounts: wanted, latencyMs })
      const span = { from: '2020-01-01T00:00:00Z', to: '2024-12-31T00:00:00Z' }
      for (const account of wanted) network.generate({ account, seed: 'wall', posts: quick ? 2000 : 10_000, ...span })
      const pair = opened.adopt(await startPair(network, await startStorage()), (started) => started.close())
      return { ...pair, accounts: wanted, pages: [] }
    },
    async a(scene, round) {
      const { instance, network, person } = scene
      const account = scene.accounts[round]!
      network.simulator.log.clear()
      const cpuBefore = await cpuOfServices(instance)
      await network.connect(instance, person, account)
      requireDone(await syncNow(instance, person.userId, { timeoutMs: 600_000 }))
      const entries = network.simulator.log.entries().filter(({ caller }) => caller === account)
      const first = entries.findIndex(({ route }) => route === network.listing)
      scene.pages = entries.flatMap(({ route, path }) => (route === network.listing ? [path] : []))
      const { syncs } = await instance.accounts('web').listSyncs({ userId: person.userId, query: { limit: 1 } })
      const value = Date.parse(syncs[0]?.finishedAt ?? '') - Date.parse(entries[first]?.at ?? '')
      return { value, cpuMs: (await cpuOfServices(instance)) - cpuBefore }
    },
    async b({ network, accounts: all, pages }, round) {
      const headers = { authorization: `Bearer ${network.token(all[round]!)}` }
      const started = performance.now()
      for (const path of pages) await (await fetch(`${network.simulator.url}${path}`, { headers })).arrayBuffer()
      return { value: performance.now() - started, cpuMs: null }
    },
    verify: async (scene) => void (await requireRightPair(scene, scene.accounts)),
    more: ({ pages }, rounds) => [
      lower(`${name}-of-latency`, median(rounds.map(({ a }) => a.value)) / (pages.length * latencyMs), 'x pages x 50 ms', 1.2),
      // What queue, leases, checkpoints, writing and indexing add to the network's own time: of that, what is not done while the network is waited for.
      lower(
        `${name}-per-page`,
        median(rounds.map(({ a, b }) => a.value - b.value)) / pages.length,
        'ms beyond the network, each',
        perPageMs,
      ),
      lower(`${name}-pages`, pages.length, 'pages'),
    ],
  })
}

import type { Connection } from '@asheville/clients'
import { lower } from '@asheville/e2e/figures.ts'
import { connectOAuth, syncNow } from '@asheville/e2e/instance.ts'
import { startScene, type Scene } from '@asheville/e2e/scene.ts'
import { compare, median } from '../compare.ts'
import { requireDone, requireRight } from '../metric.ts'
import { cpuOfServices } from '../processes.ts'

const listing = 'GET /api/v1/accounts/:id/statuses'
const latencyMs = 50
const accounts = ['alice', 'bob', 'carol']

interface FirstSyncs extends Scene {
  accounts: readonly string[]
  /** The addresses of the pages of the last one, in order. */
  pages: string[]
}

/**
 * How long a first sync takes, against a client that asks for the same pages one after the other, as their cursors demand, and does nothing with
 * them. From the arrival of the first request at the network to the instant that accounts stored as the sync's end, which is after
 * its last checkpoint. Each round is the first sync of another account.
 */
export const firstSyncWall = compare<FirstSyncs>({
  name: 'first-sync-wall',
  unit: 'x pages x round trip',
  valueUnit: 'ms',
  goal: 1.2,
  rounds: ({ quick }) => (quick ? 1 : accounts.length),
  async setup({ quick }) {
    const wanted = quick ? accounts.slice(0, 1) : accounts
    const posts = { seed: 'wall', statuses: quick ? 2000 : 10_000, boosts: false }
    const scene = await startScene({ latencyMs, accounts: wanted }, posts)
    for (const account of wanted.slice(1)) scene.mastodon.generate({ ...posts, account })
    return { ...scene, accounts: wanted, pages: [] }
  },
  async a(scene, round) {
    const { instance, mastodon, person } = scene
    const account = scene.accounts[round]!
    if (round > 0) await connected(scene, account)
    mastodon.log.clear()
    const cpuBefore = await cpuOfServices(instance)
    requireDone(await syncNow(instance, person.userId, { timeoutMs: 600_000 }))
    const entries = mastodon.log.entries().filter(({ caller }) => caller === account)
    scene.pages = entries.flatMap(({ route, path }) => (route === listing ? [path] : []))
    const { syncs } = await instance.accounts('web').listSyncs({ userId: person.userId, query: { limit: 1 } })
    const startedAt = Math.min(...entries.map(({ at }) => Date.parse(at)))
    return { value: Date.parse(syncs[0]?.finishedAt ?? '') - startedAt, cpuMs: (await cpuOfServices(instance)) - cpuBefore }
  },
  async b({ mastodon, accounts: all, pages }, round) {
    const headers = { authorization: `Bearer ${mastodon.issueToken({ account: all[round]! })}` }
    const started = performance.now()
    for (const path of pages) await (await fetch(`${mastodon.url}${path}`, { headers })).arrayBuffer()
    return { value: performance.now() - started, cpuMs: null }
  },
  verify: (scene) => requireRight(scene, scene.accounts),
  more: ({ pages }, rounds) => [
    lower('first-sync-wall-of-latency', median(rounds.map(({ a }) => a.value)) / (pages.length * latencyMs), 'x pages x 50 ms', 1.2),
    lower('first-sync-wall-pages', pages.length, 'pages'),
  ],
  close: (scene) => scene.close(),
})

function connected({ instance, mastodon, person }: Scene, account: string): Promise<Connection> {
  return connectOAuth(instance, person, 'mastodon', { server: mastodon.url }, (address) => mastodon.authorize(address, { account }))
}

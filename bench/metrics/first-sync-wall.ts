import { lower } from '@asheville/e2e/figures.ts'
import { syncNow } from '@asheville/e2e/instance.ts'
import { startScene, type Scene } from '@asheville/e2e/scene.ts'
import { requireRight, requireDone, type Metric } from '../metric.ts'

const listing = 'GET /api/v1/accounts/:id/statuses'
const latencyMs = 50

/**
 * How long a first sync takes, against what the network alone would take: pages, one after the other as its cursors demand, times
 * its latency. From the arrival of the first request at the network to the instant that accounts stored as the sync's end, which
 * is after its last checkpoint.
 */
export const firstSyncWall: Metric = {
  name: 'first-sync-wall',
  async measure({ quick }) {
    const scene = await startScene({ latencyMs }, { seed: 'wall', statuses: quick ? 2000 : 10_000, boosts: false })
    try {
      const { instance, mastodon, person } = scene
      mastodon.log.clear()
      const sync = await syncNow(instance, person.userId, { timeoutMs: 600_000 })
      requireDone(sync)
      await requireRight(scene)

      const entries = mastodon.log.entries()
      const pages = entries.filter(({ route }) => route === listing)
      const { syncs } = await instance.accounts('web').listSyncs({ userId: person.userId, query: { limit: 1 } })
      const startedAt = Math.min(...entries.map(({ at }) => Date.parse(at)))
      const wallMs = Date.parse(syncs[0]?.finishedAt ?? '') - startedAt
      const bareMs = await bareRoundTrips(
        mastodon,
        pages.slice(0, 100).map(({ path }) => path),
      )
      return [
        lower('first-sync-wall', wallMs / (pages.length * latencyMs), 'x pages x 50 ms', 1.2),
        lower('first-sync-wall-of-bare', wallMs / (pages.length * bareMs), 'x pages x round trip of a bare client'),
        lower('first-sync-from-click', sync.ms / 1000, 's'),
        lower('first-sync-pages', pages.length, 'pages'),
      ]
    } finally {
      await scene.close()
    }
  },
}

/** How long one page takes a client that does nothing with it, in ms on average: latency, and what the simulator computes. */
async function bareRoundTrips(mastodon: Scene['mastodon'], paths: readonly string[]): Promise<number> {
  const headers = { authorization: `Bearer ${mastodon.issueToken()}` }
  const started = performance.now()
  for (const path of paths) await (await fetch(`${mastodon.url}${path}`, { headers })).arrayBuffer()
  return (performance.now() - started) / paths.length
}

import { setTimeout as wait } from 'node:timers/promises'
import { createRandom } from '@asheville/simulators'
import { addNews, askedOf, checkCrowd, makeDue, startCrowd, untilCaughtUp } from './crowd.ts'
import { higher, lower, type Figure } from './figures.ts'
import { startRedisCluster } from './harness/index.ts'
import { judged } from './judged.ts'
import { severalAtOnce, severalProcesses } from './several-scenario.ts'

export interface ClusterScenario {
  seed: string | number
  people: number
  /** How often a node is killed; in turn, each for some seconds. */
  kills: number
}

/** News of each person, so many that the work lasts for all kills. */
const statuses = 400
const latencyMs = 1_000

/**
 * Several of each process on a Redis cluster of three nodes: they behave as one; and when its nodes are killed one after the other while all are at work, nothing
 * is lost, doubled or walked by two at once.
 */
export async function onCluster(name: string, { seed, people, kills }: ClusterScenario): Promise<Figure[]> {
  const cluster = await startRedisCluster()
  const env = { ...severalProcesses, REDIS_URL: cluster.url }
  try {
    const crowd = await startCrowd({ people, seed, statuses: 100, latencyMs: 50, env })
    try {
      const figures = await severalAtOnce(name, crowd)
      const { mastodon } = crowd
      const random = createRandom(seed, 'cluster')
      addNews(crowd, '2025-07', statuses)
      mastodon.log.clear()
      mastodon.latencyMs = latencyMs
      await makeDue(crowd)
      for (let kill = 0; kill < kills; kill += 1) {
        await wait(random.int(1_000, 4_000))
        await cluster.kill(kill % cluster.nodes)
        await wait(random.int(1_000, 4_000))
        await cluster.start(kill % cluster.nodes)
      }
      const [left] = await crowd.db.query<{ syncs: number }>('SELECT count(*)::int AS syncs FROM syncs WHERE finished_at IS NULL', [])
      const keys = await cluster.keys()
      console.log(`${name}: keys by node: ${keys.join(', ')}`)
      mastodon.latencyMs = 0
      await untilCaughtUp(crowd)
      return [
        ...figures,
        higher(`${name}-nodes-in-use`, keys.filter((count) => count > 0).length, 'nodes', cluster.nodes),
        higher(`${name}-at-work-when-the-last-was-back`, left?.syncs ?? NaN, 'syncs', 1),
        lower(`${name}-killed-walked-twice-at-once`, askedOf(crowd).overlapping, 'pages', 0),
        ...judged(`${name}-killed`, await checkCrowd(crowd)),
      ]
    } finally {
      await crowd.close()
    }
  } finally {
    await cluster.close()
  }
}

import { lower, type Figure } from '@asheville/e2e/figures.ts'
import { syncNow } from '@asheville/e2e/instance.ts'
import { untilAtRest } from '@asheville/e2e/harness/index.ts'
import { startScene } from '@asheville/e2e/scene.ts'
import { median } from '../compare.ts'
import { requireDone, requireRight, type Metric } from '../metric.ts'
import { cpuOf, cpuOfServices } from '../processes.ts'
import { idleOf, load, startBareRoute, type Load } from '../request-cost.ts'

const rounds = 20

/**
 * What reading costs that was read a moment ago, beyond a route that does nothing behind the same middleware: one item, and, for comparison, a page of thirty. The CPU time is
 * that of all services, without what they use while nobody asks.
 */
export const hotRead: Metric = {
  name: 'hot-read',
  async measure({ quick }) {
    const scene = await startScene({ rateLimit: null }, { seed: 'hot-read', statuses: 200 }, { SYNC_INTERVAL_MINUTES: '1000' })
    try {
      const { instance, person } = scene
      requireDone(await syncNow(instance, person.userId))
      await requireRight(scene)
      await untilAtRest(instance.constellation)
      const { items } = await instance.platform('web').listItems({ userId: person.userId, query: {} })
      const root = `http://127.0.0.1:${instance.constellation.env.platform['PORT']}/v1/items`
      const bare = await startBareRoute(instance, 'platform')
      try {
        const ofServices = () => cpuOfServices(instance)
        const idle = await idleOf(ofServices)
        const asked = { service: 'platform', userIds: Array.from({ length: quick ? 300 : 1000 }, () => person.userId) } as const
        const loads: Record<'item' | 'list' | 'bare', Load[]> = { item: [], list: [], bare: [] }
        // The first is for the compiler; the others are short and take turns, so that whatever else goes on falls on all.
        for (let round = 0; round <= rounds; round += 1) {
          loads.item.push(await load(instance, `${root}/${items[0]!.key}`, asked, ofServices, idle))
          loads.bare.push(await load(instance, bare.url, asked, () => cpuOf(bare.pid), 0))
          loads.list.push(await load(instance, root, asked, ofServices, idle))
        }
        const of = (side: keyof typeof loads, pick: (load: Load) => number) => median(loads[side].slice(1).map(pick))
        const cpu = (side: keyof typeof loads) => of(side, ({ cpuUs }) => cpuUs)
        const p99 = (side: keyof typeof loads) => of(side, ({ p99Ms }) => p99Ms)
        const figures: Figure[] = [
          lower('hot-read', cpu('item') - cpu('bare'), 'µs of CPU beyond a bare route', 40),
          lower('hot-read-a-cpu', cpu('item'), 'µs of CPU'),
          lower('hot-read-b-cpu', cpu('bare'), 'µs of CPU'),
          lower('hot-read-a-p99', p99('item'), 'ms'),
          lower('hot-read-b-p99', p99('bare'), 'ms'),
          lower('hot-read-page', cpu('list') - cpu('bare'), 'µs of CPU beyond a bare route, of thirty items'),
        ]
        return figures
      } finally {
        bare.close()
      }
    } finally {
      await scene.close()
    }
  },
}

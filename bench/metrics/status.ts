import { lower } from '@asheville/e2e/figures.ts'
import { syncNow } from '@asheville/e2e/instance.ts'
import { startScene } from '@asheville/e2e/scene.ts'
import { median } from '../compare.ts'
import { redisAt } from '../distant-redis.ts'
import { addPeopleLike, openAccountsData, streams } from '../many-people.ts'
import { requireDone, type Metric } from '../metric.ts'
import { cpuOf, cpuOfServices } from '../processes.ts'
import { idleOf, load, startBareRoute, type Load } from '../request-cost.ts'

const rounds = 20

/**
 * What a status costs beyond a route that does nothing, behind the same middleware: of one person among 10,000 who asks again and again, and, for comparison, of
 * people of whom each asks once. The CPU time is that of all services, without what they use while nobody asks.
 */
export const status = metric('status', null)
/** The same with a Redis that is 2 ms away. */
export const statusFarRedis = metric('status-2ms-redis', 2)

function metric(name: string, redisMs: number | null): Metric {
  return {
    name,
    async measure({ quick }) {
      await using opened = new AsyncDisposableStack()
      const env = { SYNC_INTERVAL_MINUTES: '1000', ...(await redisAt(opened, redisMs)) }
      const scene = opened.adopt(await startScene({ rateLimit: null }, { seed: 'status', statuses: 200 }, env), ({ close }) => close())
      const { instance, person } = scene
      requireDone(await syncNow(instance, person.userId))
      const db = openAccountsData(instance)
      const others = await addPeopleLike(instance, db, { userId: person.userId, streams, count: quick ? 500 : 9999 })
      await db.close()
      const bare = opened.adopt(await startBareRoute(instance, 'conductor'), ({ close }) => close())
      const requests = quick ? 300 : 1000
      const address = `http://127.0.0.1:${instance.constellation.env.conductor['PORT']}/v1/status`
      const asked = (userIds: readonly string[]) => ({ service: 'conductor', userIds }) as const
      const ofServices = () => cpuOfServices(instance)
      const idle = await idleOf(ofServices)
      const again = Array.from({ length: requests }, () => person.userId)
      const ours: Load[] = []
      const nothing: Load[] = []
      // The first is for the compiler; the others are short and take turns, so that whatever else goes on falls on both.
      for (let round = 0; round <= rounds; round += 1) {
        ours.push(await load(instance, address, asked(again), ofServices, idle))
        nothing.push(await load(instance, bare.url, asked(again), () => cpuOf(bare.pid), 0))
      }
      const first = await load(instance, address, asked(others.slice(0, requests)), ofServices, idle)
      const of = (loads: readonly Load[], pick: (load: Load) => number) => median(loads.slice(1).map(pick))
      const [cpu, bareCpu] = [of(ours, ({ cpuUs }) => cpuUs), of(nothing, ({ cpuUs }) => cpuUs)]
      return [
        lower(name, cpu - bareCpu, 'µs of CPU beyond a bare route', 40),
        lower(`${name}-a-cpu`, cpu, 'µs of CPU'),
        lower(`${name}-b-cpu`, bareCpu, 'µs of CPU'),
        lower(
          `${name}-a-p99`,
          of(ours, ({ p99Ms }) => p99Ms),
          'ms',
        ),
        lower(
          `${name}-b-p99`,
          of(nothing, ({ p99Ms }) => p99Ms),
          'ms',
        ),
        lower(`${name}-once-cpu`, first.cpuUs, 'µs of CPU, of people who ask once'),
        lower(`${name}-once-p99`, first.p99Ms, 'ms'),
      ]
    },
  }
}

import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { createSigner, type Sign } from '@asheville/service'
import { lower } from '@asheville/e2e/figures.ts'
import { syncNow } from '@asheville/e2e/instance.ts'
import { startScene, type Scene } from '@asheville/e2e/scene.ts'
import { median } from '../compare.ts'
import { redisAt } from '../distant-redis.ts'
import { addPeopleLike, openAccountsData, streams } from '../many-people.ts'
import { requireDone, type Metric } from '../metric.ts'
import { cpuOf, cpuOfServices, forkLikeService } from '../processes.ts'

const atOnce = 16
const rounds = 20

/** What so many requests took: CPU time of one in µs, and how long 99 of 100 of them took at most, in ms. */
interface Load {
  cpuUs: number
  p99Ms: number
}

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
      const bare = opened.adopt(await startBareRoute(scene), ({ close }) => close())
      const requests = quick ? 300 : 1000
      const address = `http://127.0.0.1:${instance.constellation.env.conductor['PORT']}`
      const idle = await idleOf(scene)
      const ofServices = () => cpuOfServices(instance)
      const again = Array.from({ length: requests }, () => person.userId)
      const ours: Load[] = []
      const nothing: Load[] = []
      // The first is for the compiler; the others are short and take turns, so that whatever else goes on falls on both.
      for (let round = 0; round <= rounds; round += 1) {
        ours.push(await load(scene, address, again, ofServices, idle))
        nothing.push(await load(scene, bare.url, again, () => cpuOf(bare.pid), 0))
      }
      const first = await load(scene, address, others.slice(0, requests), ofServices, idle)
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

async function startBareRoute({ instance }: Scene) {
  const keys = instance.constellation.env.conductor['SERVICE_PUBLIC_KEYS'] ?? ''
  const child = forkLikeService(instance, 'bare-route.ts', [keys])
  const [url] = (await once(child, 'message')) as [string]
  return { url, pid: child.pid, close: () => void child.disconnect() }
}

/** How much CPU time the services use while nobody asks, in ms a ms. */
async function idleOf({ instance }: Scene): Promise<number> {
  const [before, started] = [await cpuOfServices(instance), performance.now()]
  await wait(10_000)
  return ((await cpuOfServices(instance)) - before) / (performance.now() - started)
}

/** Asks for the status of each of these people, some at a time. Throws when one is not answered. */
async function load(scene: Scene, address: string, userIds: readonly string[], cpu: () => Promise<number>, idle: number): Promise<Load> {
  const sign = createSigner({ issuer: 'web', privateKey: scene.instance.constellation.env.web['SERVICE_PRIVATE_KEY'] ?? '' })
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce })
  const took: number[] = []
  const rest = userIds.values()
  const before = await cpu()
  const started = performance.now()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const userId of rest) {
        const begun = performance.now()
        await ask(address, agent, sign, userId)
        took.push(performance.now() - begun)
      }
    }),
  )
  const lasted = performance.now() - started
  const cpuMs = (await cpu()) - before - idle * lasted
  agent.destroy()
  const p99Ms = took.sort((one, other) => one - other)[Math.floor(took.length * 0.99)]!
  return { cpuUs: (cpuMs * 1000) / userIds.length, p99Ms }
}

async function ask(address: string, agent: Agent, sign: Sign, userId: string): Promise<void> {
  const headers = { authorization: `Bearer ${await sign('conductor', userId)}` }
  const asked = request(`${address}/v1/status`, { agent, headers })
  asked.end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  response.resume()
  await once(response, 'end')
  if (response.statusCode !== 200) throw new Error(`The status was answered with ${response.statusCode}`)
}

import { parseArgs } from 'node:util'
import { onCluster } from './cluster-scenario.ts'
import { startCrowd, wake, type Crowd, type CrowdOptions } from './crowd.ts'
import { isMet, lower, tableOf, writeFigures, type Figure } from './figures.ts'
import { runFaultyScenario, type FaultySide } from './faulty-scenario.ts'
import { judged } from './judged.ts'
import { runKillScenario, type KillScenario } from './kill-scenario.ts'
import { startWorld } from './matrix/world.ts'
import { redisDown } from './redis-down-scenario.ts'
import { redisKilled } from './redis-killed-scenario.ts'
import { runningSets } from './running-sets-scenario.ts'
import { stopCleanly, twoOfEach } from './stop-cleanly-scenario.ts'
import { severalAtOnce, severalProcesses } from './several-scenario.ts'
import { wipedRedis } from './wiped-scenario.ts'

// npm run chaos -- [SCENARIO …] --json FILE [--kills N] [--items N] [--people N] [--seed N]: first syncs in which processes die or freeze at
// seeded moments, or calls to the network and the storage go wrong; then files and index are compared with what the network has.

interface Scale {
  seed: string
  /** Of the one person, in scenarios of one. */
  items: number
  pictures: number
  kills: number
  /** In scenarios of many. */
  people: number
}

/** Each says what it saw, and answers its figures. */
const scenarios: Record<string, (name: string, scale: Scale) => Promise<Figure[]>> = {
  /** The worker alone, again and again. */
  worker: killing({ among: ['workers'] }),
  /** Every service in turn, and Redis and Postgres once each. */
  any: killing({}),
  /** The same, and some are frozen or held down for a moment; Redis may forget everything. */
  frozen: killing({ acts: ['kill', 'freeze', 'stop', 'wipe'] }),
  /** One of two workers is frozen, in turn, until its lease has run out and the other has gone on, and then wakes up. */
  'frozen-worker': killing({
    among: ['workers', 'workers-2'],
    acts: ['freeze'],
    forMs: [33_000, 38_000],
    latencyMs: 1000,
    env: { PROCESSES: 'workers:2' },
  }),
  /** Nobody dies, but one call in five goes wrong. */
  faulty,
  /** Nobody dies, but there are several of each who work on the queues. */
  several: crowded({ statuses: 150, pictures: 2, latencyMs: 50, env: severalProcesses }, severalAtOnce),
  /** Redis forgets everything while many are at work and more becomes due. */
  wiped: crowded({ statuses: 800, latencyMs: 1000, env: severalProcesses }, async (name, crowd, { seed }) => {
    await wake(crowd)
    return wipedRedis(name, crowd, { seed, times: 4, everyMs: [1000, 5000] })
  }),
  /** All die at once, and what Redis says of who is at work is not true any more. */
  'running-sets': crowded(
    { statuses: 200, latencyMs: 2000, only: 'statuses', env: { PROCESSES: 'conductor:2,workers:2', WORKER_CONCURRENCY: '100' } },
    async (name, crowd, { people }) => {
      await wake(crowd)
      return runningSets(name, crowd, people)
    },
  ),
  /** One process of each service after the other is asked to end, under load. */
  'stop-cleanly': (name, scale) =>
    crowded({ statuses: 1000, latencyMs: 1000, env: twoOfEach }, (_, crowd) => stopCleanly(name, crowd, scale.kills))(name, {
      ...scale,
      people: Math.ceil(scale.people / 5),
    }),
  /** The same several, and the nodes of a Redis cluster die; needs a redis-server. */
  cluster: (name, { seed, people, kills }) => onCluster(name, { seed, people: Math.ceil(people / 5), kills }),
  /** Redis dies while jobs are added; needs a redis-server. */
  'redis-killed': (name, { seed, items, kills }) => redisKilled(name, { seed, jobs: items * 10, kills }),
  /** Redis is down, then frozen, a minute each, while every endpoint is asked. */
  'redis-down': async (name, { seed }) => {
    const world = await startWorld()
    try {
      return await redisDown(name, world, { seed, seconds: 60 })
    } finally {
      await world.close()
    }
  },
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    kills: { type: 'string', default: '10' },
    items: { type: 'string', default: '5000' },
    people: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
  },
})
process.exitCode = await main()

async function main(): Promise<number> {
  const unknown = positionals.filter((name) => !(name in scenarios))
  if (unknown.length > 0) throw new Error(`There is no scenario ${unknown.join(', ')}; there are ${Object.keys(scenarios).join(', ')}`)
  const [items, kills, people] = [positive('items'), positive('kills'), positive('people')]
  const figures: Figure[] = []
  const scale = { seed: values.seed, items, pictures: Math.ceil(items / 50), kills, people }
  for (const [name, run] of Object.entries(scenarios)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue
    try {
      figures.push(...(await run(`chaos-${name}`, scale)))
    } catch (error) {
      console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`)
      figures.push(lower(`chaos-${name}-not-done`, 1, 'syncs', 0))
    }
  }
  console.log(tableOf(figures))
  if (values.json !== undefined) await writeFigures(values.json, figures)
  const isHeld = figures.every(isMet)
  console.log(isHeld ? 'Nothing was lost, doubled or done in vain.' : 'NOT as it has to be: see above.')
  return isHeld ? 0 : 1
}

function killing(how: Omit<KillScenario, keyof Scale | 'onStruck' | 'timeoutMs'>) {
  return async (name: string, scale: Scale): Promise<Figure[]> => {
    const { state, plan, struck, ms, pages, crashes, verdict } = await runKillScenario({ ...how, ...scale })
    console.log(`${name}: ${struck.map(({ act, name: who, position }) => `${act} ${who} at page ${position}`).join(', ')}`)
    for (const crash of crashes) console.log(crash)
    return [
      lower(`${name}-not-done`, state === 'done' ? 0 : 1, 'syncs', 0),
      lower(`${name}-kills-missing`, plan.length - struck.length, 'kills', 0),
      ...judged(name, verdict),
      lower(`${name}-crashes`, crashes.length, 'crashes', 0),
      lower(`${name}-stored-again`, pages.stored - pages.needed, 'pages', 0),
      lower(`${name}-pulled-again-though-stored`, pages.needless, 'pages', 0),
      lower(`${name}-pulled-again-in-flight`, pages.pulled - pages.needed, 'pages'),
      lower(`${name}-wall`, ms.sync / 1000, 's'),
    ]
  }
}

async function faulty(name: string, { seed, items, pictures }: Scale): Promise<Figure[]> {
  const { syncs, ms, network, storage, verdict } = await runFaultyScenario({ seed, items, pictures })
  const sides = { network, storage }
  for (const [which, { faults }] of Object.entries(sides))
    console.log(
      `${name}: ${which}: ${Object.entries(faults)
        .map(([kind, times]) => `${times} x ${kind}`)
        .join(', ')}`,
    )
  const shareOf = ({ calls, faults }: FaultySide) => Object.values(faults).reduce((sum, times) => sum + times, 0) / calls
  return [
    ...judged(name, verdict),
    ...Object.entries(sides).flatMap(([which, side]) => [
      lower(`${name}-${which}-before-retry-after`, side.early, 'calls', 0),
      lower(`${name}-${which}-calls`, side.calls, 'calls'),
      lower(`${name}-${which}-faulty`, shareOf(side), 'of all calls'),
    ]),
    lower(`${name}-syncs`, syncs, 'syncs'),
    lower(`${name}-wall`, ms / 1000, 's'),
  ]
}

function crowded(
  options: Omit<CrowdOptions, 'people' | 'seed'>,
  run: (name: string, crowd: Crowd, scale: Scale) => Promise<Figure[]>,
): (name: string, scale: Scale) => Promise<Figure[]> {
  return async (name, scale) => {
    const crowd = await startCrowd({ ...options, people: scale.people, seed: scale.seed })
    try {
      return await run(name, crowd, scale)
    } finally {
      await crowd.close()
    }
  }
}

function positive(name: 'items' | 'kills' | 'people'): number {
  const value = Number(values[name])
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} must be a number from 1 on`)
  return value
}

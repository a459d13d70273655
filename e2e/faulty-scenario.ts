import { createDatabase, type Database } from '@asheville/database'
import type { Counts, Simulator } from '@asheville/simulators'
import { startHttpProxy, untilAtRest, type Proxy, type Verdict } from './harness/index.ts'
import { syncNow, type Instance } from './instance.ts'
import { startTwitterSide } from './network-side.ts'
import { checkPair, startPair } from './pair.ts'
import { startDropboxSide, type Person } from './storage-side.ts'

export interface FaultyScenario {
  seed: string | number
  items: number
  /** Posts with a picture. */
  pictures: number
  /** Of all calls, to the network and to the storage; one in five unless said otherwise. */
  rate?: number
  /** How long a call is held up that is held up; 30 s. */
  stallMs?: number
  /** What those are told that are told to wait; 2. */
  retryAfterSeconds?: number
  timeoutMs?: number
}

export interface FaultyOutcome {
  /** How many syncs it took until all was there: files that could not be had are left to later ones. */
  syncs: number
  ms: number
  network: FaultySide
  storage: FaultySide
  verdict: Verdict
}

/** What one side saw of it. */
export interface FaultySide {
  calls: number
  /** How many of them went wrong, by the way they did. */
  faults: Record<string, number>
  /** Calls that came before a `Retry-After` was over. */
  early: number
}

const mostSyncs = 20
const span = { from: '2023-01-01T00:00:00Z', to: '2024-12-31T00:00:00Z' }

/**
 * A first sync from X to Dropbox where one call in five goes wrong, each in one of six ways: told to wait, an error of theirs, the answer
 * reset, short, held up or lost although all was done. The servers themselves answer the first two, as they do; a proxy in front of each does the others.
 */
export async function runFaultyScenario(scenario: FaultyScenario): Promise<FaultyOutcome> {
  const { seed, items, pictures, timeoutMs = 120_000 + items * 100 } = scenario
  const [atNetwork, atStorage] = await Promise.all([
    startHttpProxy({ seed: `${seed} network` }),
    startHttpProxy({ seed: `${seed} storage` }),
  ])
  const network = await startTwitterSide({ accounts: ['alice'], seed, publicUrl: frontOf(atNetwork) })
  const storage = await startDropboxSide({ seed, publicUrl: frontOf(atStorage) })
  atNetwork.target = network.simulator.localUrl
  atStorage.target = storage.simulator.localUrl
  network.generate({ account: 'alice', seed: String(seed), posts: items, pictures, ...span })
  const pair = await startPair(network, storage)
  try {
    const { instance, person } = pair
    const sides = [
      [network.simulator, atNetwork],
      [storage.simulator, atStorage],
    ] as const
    await network.connect(instance, person, 'alice')
    for (const [simulator, proxy] of sides) plan(simulator, proxy, scenario)
    const began = performance.now()
    const syncs = await syncUntilWhole(instance, person, timeoutMs)
    await untilAtRest(instance.constellation, timeoutMs)
    const ms = performance.now() - began
    const [ofNetwork, ofStorage] = sides.map(([simulator, proxy]) => sideOf(simulator, proxy))
    for (const [simulator, proxy] of sides) {
      simulator.faults.clear()
      proxy.faults.clear()
    }
    return { syncs, ms, network: ofNetwork!, storage: ofStorage!, verdict: await checkPair(pair, ['alice']) }
  } finally {
    await pair.close()
    await Promise.all([atNetwork.close(), atStorage.close()])
  }
}

/** Syncs until one has ended well and no file is left to be tried again; answers how many that took. */
async function syncUntilWhole(instance: Instance, { userId }: Person, timeoutMs: number): Promise<number> {
  const [platform, accounts] = ['platform', 'accounts'].map((schema) =>
    createDatabase({ url: instance.constellation.databaseUrl, schema, poolSize: 1 }),
  ) as [Database, Database]
  try {
    for (let syncs = 1; syncs <= mostSyncs; syncs += 1) {
      const { state } = await syncNow(instance, userId, { timeoutMs })
      // A quarter of an hour, and more each time, is not waited for.
      const pending = await platform.query('UPDATE pending_items SET next_at = now() RETURNING 1', [])
      await accounts.query('UPDATE streams SET media_due_at = now() WHERE media_due_at IS NOT NULL', [])
      if (state === 'done' && pending.length === 0) return syncs
    }
    throw new Error(`Not whole after ${mostSyncs} syncs`)
  } finally {
    await Promise.all([platform.close(), accounts.close()])
  }
}

const frontOf = ({ port }: Proxy): string => `http://127.0.0.1:${port}`

function plan(simulator: Simulator, proxy: Proxy, { rate = 0.2, stallMs = 30_000, retryAfterSeconds = 2 }: FaultyScenario): void {
  // Each way is drawn on its own, and of two that are drawn one strikes: these shares make up the whole.
  const each = 1 - (1 - rate) ** (1 / 6)
  simulator.faults.add({ kind: 'rate-limited', retryAfterSeconds, rate: each })
  simulator.faults.add({ kind: 'server-error', status: 500, rate: each })
  proxy.faults.add({ kind: 'reset', rate: each })
  proxy.faults.add({ kind: 'short-body', rate: each })
  proxy.faults.add({ kind: 'stall', ms: stallMs, rate: each })
  proxy.faults.add({ kind: 'execute-and-time-out', ms: 50, rate: each })
}

function sideOf(simulator: Simulator, proxy: Proxy): FaultySide {
  const { total, faults, callsBeforeRetryAfter }: Counts = simulator.counters.snapshot()
  return { calls: total, faults: { ...faults, ...proxy.counts().struck }, early: callsBeforeRetryAfter }
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { Constellation } from '@asheville/scripts'
import { Redis } from 'ioredis'
import type { Blow } from './plan.ts'
import { processTree, signalTree } from './process-tree.ts'

type Name = Constellation['names'][number]

/** A blow that was struck: where the run was then, and which process it was. */
export interface Struck extends Blow {
  position: number
  pid: number
}

export interface CarryOut {
  /** Where the run is, in what the plan counts; ms since the call unless given. */
  position?: () => number
  /** Aborted when the run is over: what was not struck by then is left out. */
  signal?: AbortSignal
  onStruck?: (struck: Struck) => void
}

/** Does to the processes of a constellation what can happen to them. Names as in `constellation.names`; unknown ones throw. */
export interface Supervisor {
  /** Every process there should be: services with all their processes, and Redis and Postgres where they are the constellation's own. */
  readonly names: readonly string[]
  isReady(name: string): boolean
  /** SIGKILL; resolves when it is dead. The constellation starts it again by itself. */
  kill(name: string): Promise<void>
  /** SIGSTOP, Postgres with all its backends: it holds its connections and answers nothing. */
  freeze(name: string): void
  thaw(name: string): void
  /** SIGKILL, and it stays down until `start`. */
  stop(name: string): Promise<void>
  /** Resolves when it is ready. */
  start(name: string): Promise<void>
  /** SIGTERM, as an operator would; resolves when its successor is ready. */
  restart(name: string): Promise<void>
  /** Redis forgets everything: queues, running sets, caches. */
  wipeRedis(): Promise<void>
  /** Resolves when the blow is over; what was frozen runs on then, what was stopped is ready again. */
  strike(blow: Blow): Promise<void>
  /** Strikes one blow after the other, each when its moment has come and the process is up, so that none hits a process that is down already. */
  carryOut(plan: readonly Blow[], how?: CarryOut): Promise<Struck[]>
  /** Resolves when every process is ready. */
  untilReady(withinMs?: number): Promise<void>
  /** Lets everything run on that is frozen or stopped. */
  release(): Promise<void>
}

/** `constellation` is asked each time: it may have been started anew since. */
export function createSupervisor(constellation: () => Constellation): Supervisor {
  const frozen = new Map<string, number[]>()
  const stopped = new Set<string>()

  function checked(name: string): Name {
    const { names } = constellation()
    const found = names.find((one) => one === name)
    if (found === undefined) throw new Error(`There is no process ${name}; there are ${names.join(', ')}`)
    return found
  }

  function pidOf(name: string): number {
    const pid = constellation().pids[checked(name)]
    if (pid === undefined) throw new Error(`${name} does not run`)
    return pid
  }

  const supervisor: Supervisor = {
    get names() {
      return constellation().names
    },
    isReady: (name) => constellation().isReady(checked(name)) && !frozen.has(name),

    async kill(name) {
      const pid = pidOf(name)
      const tree = processTree(pid)
      signalTree(tree, 'SIGKILL')
      frozen.delete(name)
      while (constellation().pids[checked(name)] === pid) await sleep(5)
    },

    freeze(name) {
      const pid = pidOf(name)
      // The first first: it starts no further ones while the rest is looked for.
      signalTree([pid], 'SIGSTOP')
      const tree = processTree(pid)
      signalTree(tree.slice(1), 'SIGSTOP')
      frozen.set(name, tree)
    },

    thaw(name) {
      signalTree((frozen.get(name) ?? []).toReversed(), 'SIGCONT')
      frozen.delete(name)
    },

    async stop(name) {
      const pid = constellation().pids[checked(name)]
      const tree = pid === undefined ? [] : processTree(pid)
      stopped.add(name)
      const gone = constellation().stop(checked(name))
      signalTree(tree.slice(1), 'SIGKILL')
      frozen.delete(name)
      await gone
    },

    async start(name) {
      stopped.delete(name)
      await constellation().start(checked(name))
    },

    async restart(name) {
      const pid = pidOf(name)
      constellation().kill(checked(name), 'SIGTERM')
      while (constellation().pids[checked(name)] === pid) await sleep(10)
      await constellation().start(checked(name))
    },

    async wipeRedis() {
      const redis = new Redis(constellation().redisUrl, { lazyConnect: true, maxRetriesPerRequest: 1, connectTimeout: 2_000 })
      redis.on('error', () => undefined)
      try {
        await redis.connect()
        await redis.flushall()
      } finally {
        redis.disconnect()
      }
    },

    async strike({ name, act, forMs }) {
      if (act === 'kill') return supervisor.kill(name)
      if (act === 'wipe') return supervisor.wipeRedis()
      if (act === 'freeze') {
        supervisor.freeze(name)
        await sleep(forMs)
        return supervisor.thaw(name)
      }
      await supervisor.stop(name)
      await sleep(forMs)
      await supervisor.start(name)
    },

    async carryOut(plan, { position, signal, onStruck } = {}) {
      for (const { name } of plan) checked(name)
      const began = Date.now()
      const now = position ?? (() => Date.now() - began)
      const isOver = (): boolean => signal?.aborted ?? false
      const all: Struck[] = []
      for (const blow of plan) {
        while (!isOver() && (now() < blow.at || !supervisor.isReady(blow.name))) await sleep(10)
        if (isOver()) break
        const struck = { ...blow, position: now(), pid: pidOf(blow.name) }
        all.push(struck)
        onStruck?.(struck)
        await supervisor.strike(blow)
      }
      return all
    },

    async untilReady(withinMs = 60_000) {
      const deadline = Date.now() + withinMs
      for (;;) {
        const missing = supervisor.names.filter((name) => !supervisor.isReady(name))
        if (missing.length === 0) return
        if (Date.now() > deadline) throw new Error(`Not ready within ${withinMs} ms: ${missing.join(', ')}`)
        await sleep(50)
      }
    },

    async release() {
      for (const name of frozen.keys()) supervisor.thaw(name)
      await Promise.all([...stopped].map((name) => supervisor.start(name)))
    },
  }
  return supervisor
}

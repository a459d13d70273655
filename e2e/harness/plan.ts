import { createRandom } from '@asheville/simulators'

/**
 * What can be done to a process. `kill`: SIGKILL, started again at once. `freeze`: SIGSTOP, after a while SIGCONT. `stop`: SIGKILL
 * and held down for a while. `wipe`: Redis forgets everything (FLUSHALL).
 */
export type Act = 'kill' | 'freeze' | 'stop' | 'wipe'

export interface Blow {
  /** When: ms, or whatever the run counts (pages pulled, say). */
  at: number
  name: string
  act: Act
  /** How long it lasts, for `freeze` and `stop`; else 0. */
  forMs: number
}

export interface PlanOptions {
  kills: number
  /** How long the run is, in ms or what it counts: every blow falls into it. */
  over: number
  /** Names that are struck in turn, in a seeded order: each as often as any other, give or take one. */
  among: readonly string[]
  /** Of the kills, one each for these. */
  once?: readonly string[]
  /** Drawn for each blow; `kill` alone unless said otherwise. */
  acts?: readonly Act[]
  /** How long `freeze` and `stop` last, from and to; 1 to 4 s. */
  forMs?: readonly [number, number]
}

/**
 * Which process gets which blow when. Pure: the same seed and options, the same plan. One blow falls at a random moment of each of
 * `kills` equal parts of the run, so that none falls outside it and no part of it is spared.
 */
export function planOf(seed: string | number, options: PlanOptions): Blow[] {
  const { kills, over, among, once = [], acts = ['kill'], forMs = [1_000, 4_000] } = options
  if (once.length > kills) throw new Error(`${once.length} names to be struck once, but only ${kills} kills`)
  if (among.length === 0 && kills > once.length) throw new Error('There is nobody to be struck')
  const random = createRandom(seed, 'plan')
  const turns: string[] = []
  while (turns.length < kills - once.length) turns.push(...shuffled(among, random))
  const names = shuffled([...once, ...turns.slice(0, kills - once.length)], random)
  return names.map((name, index) => {
    const at = Math.floor(((index + random.next()) * over) / kills)
    const act = random.pick(name === 'redis' ? acts : acts.filter((one) => one !== 'wipe'))
    return { at, name, act, forMs: act === 'freeze' || act === 'stop' ? random.int(...forMs) : 0 }
  })
}

function shuffled<T>(list: readonly T[], random: ReturnType<typeof createRandom>): T[] {
  const rest = [...list]
  return list.map(() => rest.splice(random.int(0, rest.length - 1), 1)[0]!)
}

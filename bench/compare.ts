import { lower, type Figure } from '@asheville/e2e/figures.ts'
import type { Metric, Scale } from './metric.ts'

/** What one side took in one round: what is compared (ms, bytes), and the CPU time that went into it, in ms, where it can be told. */
export interface Taken {
  value: number
  cpuMs: number | null
}

/** Two ways to the same end, side by side on one machine at one time: only what they take of each other says something. */
export interface Comparison<Scene> {
  name: string
  /** Of the ratio: `x a bare client`. */
  unit: string
  /** Of what the two sides are measured in. */
  valueUnit: string
  /** The worst ratio that is good enough. */
  goal: number
  rounds(scale: Scale): number
  /** What is opened on the way is put on `opened`, which is closed at the end, or when this throws. */
  setup(scale: Scale, opened: AsyncDisposableStack): Promise<Scene>
  /** Ours. */
  a(scene: Scene, round: number): Promise<Taken>
  /** What it is measured against. */
  b(scene: Scene, round: number): Promise<Taken>
  /** Throws when what was done is not right: then nothing is measured. */
  verify(scene: Scene): Promise<void>
  /** What else the rounds say. */
  more?(scene: Scene, rounds: readonly { a: Taken; b: Taken }[]): Figure[]
}

/** A metric of a comparison: in each round a, then b; of the rounds' ratios the median counts, and how far they are apart is told. */
export function compare<Scene>(comparison: Comparison<Scene>): Metric {
  const { name, unit, valueUnit, goal } = comparison
  return {
    name,
    async measure(scale) {
      const opened = new AsyncDisposableStack()
      try {
        const scene = await comparison.setup(scale, opened)
        const rounds: { a: Taken; b: Taken }[] = []
        for (let round = 0; round < comparison.rounds(scale); round++)
          rounds.push({ a: await comparison.a(scene, round), b: await comparison.b(scene, round) })
        await comparison.verify(scene)
        const ratios = rounds.map(({ a, b }) => a.value / b.value)
        const cpu = (side: 'a' | 'b') => rounds.flatMap((round) => round[side].cpuMs ?? [])
        return [
          lower(name, median(ratios), unit, goal),
          ...(rounds.length > 1 ? [lower(`${name}-spread`, Math.max(...ratios) - Math.min(...ratios), 'between rounds')] : []),
          lower(`${name}-a`, median(rounds.map(({ a }) => a.value)), valueUnit),
          lower(`${name}-b`, median(rounds.map(({ b }) => b.value)), valueUnit),
          ...(cpu('a').length > 0 ? [lower(`${name}-a-cpu`, median(cpu('a')), 'ms of CPU')] : []),
          ...(cpu('b').length > 0 ? [lower(`${name}-b-cpu`, median(cpu('b')), 'ms of CPU')] : []),
          ...(comparison.more?.(scene, rounds) ?? []),
        ]
      } finally {
        await opened.disposeAsync()
      }
    },
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  const middle = sorted.length / 2
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

import { lower } from '@asheville/e2e/figures.ts'
import { syncNow } from '@asheville/e2e/instance.ts'
import { startScene } from '@asheville/e2e/scene.ts'
import { compare, type Taken } from '../compare.ts'
import { requireDone, requireRight } from '../metric.ts'
import { peakOf } from '../processes.ts'

interface Memory {
  long: number
  /** Of platform's processes, which held the same histories: after the long one, after the short one. */
  platform: number[]
}

const mebibyte = 1024 ** 2

/** The most memory that a worker's process ever had while it copied a long history, against a short one; each in a process of its own. */
export const workerMemory = compare<Memory>({
  name: 'worker-memory',
  unit: 'x peak at 1,000 items',
  valueUnit: 'MiB',
  goal: 1.3,
  rounds: () => 1,
  setup: async ({ quick }) => ({ long: quick ? 20_000 : 100_000, platform: [] }),
  a: (memory) => peakAfter(memory.long, memory),
  b: (memory) => peakAfter(1000, memory),
  // Each side has compared what it copied.
  verify: async () => undefined,
  more: ({ platform: [long = NaN, short = NaN] }) => [
    lower('platform-memory', long / short, 'x peak at 1,000 items'),
    lower('platform-memory-a', long, 'MiB'),
    lower('platform-memory-b', short, 'MiB'),
  ],
})

async function peakAfter(statuses: number, memory: Memory): Promise<Taken> {
  const scene = await startScene({}, { seed: 'memory', statuses })
  try {
    const { instance, person } = scene
    const { pids } = instance.constellation
    requireDone(await syncNow(instance, person.userId, { timeoutMs: 1_800_000 }))
    const [worker, platform] = await Promise.all([peakOf(pids.workers), peakOf(pids.platform)])
    if (instance.constellation.pids.workers !== pids.workers) throw new Error('The worker did not live through the sync')
    await requireRight(scene)
    memory.platform.push(platform / mebibyte)
    return { value: worker / mebibyte, cpuMs: null }
  } finally {
    await scene.close()
  }
}

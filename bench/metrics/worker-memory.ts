import { readFile } from 'node:fs/promises'
import { lower } from '@asheville/e2e/figures.ts'
import { syncNow } from '@asheville/e2e/instance.ts'
import { startScene } from '@asheville/e2e/scene.ts'
import { requireRight, requireDone, type Metric } from '../metric.ts'

interface Peaks {
  workers: number
  platform: number
}

/** The most memory that a worker's process ever had while it copied a long history, against a short one; each in a process of its own. */
export const workerMemory: Metric = {
  name: 'worker-memory',
  async measure({ quick }) {
    const short = await peaksOf(1000)
    const long = await peaksOf(quick ? 20_000 : 100_000)
    const mebibytes = (bytes: number) => bytes / 1024 ** 2
    return [
      lower('worker-memory', long.workers / short.workers, 'x peak at 1,000 items', 1.3),
      lower('worker-memory-short', mebibytes(short.workers), 'MiB'),
      lower('worker-memory-long', mebibytes(long.workers), 'MiB'),
      lower('platform-memory', long.platform / short.platform, 'x peak at 1,000 items'),
      lower('platform-memory-short', mebibytes(short.platform), 'MiB'),
      lower('platform-memory-long', mebibytes(long.platform), 'MiB'),
    ]
  },
}

async function peaksOf(statuses: number): Promise<Peaks> {
  const scene = await startScene({}, { seed: 'memory', statuses })
  try {
    const { instance, person } = scene
    const { pids } = instance.constellation
    requireDone(await syncNow(instance, person.userId, { timeoutMs: 1_800_000 }))
    const [workers, platform] = await Promise.all([peakOf(pids.workers), peakOf(pids.platform)])
    if (instance.constellation.pids.workers !== pids.workers) throw new Error('The worker did not live through the sync')
    await requireRight(scene)
    return { workers, platform }
  } finally {
    await scene.close()
  }
}

/** The peak resident set of a process since it started, in bytes: proc_pid_status(5). */
async function peakOf(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]
  if (kibibytes === undefined) throw new Error('The kernel does not tell the peak')
  return Number(kibibytes) * 1024
}

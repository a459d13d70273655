import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'

// A process that does nothing but jobs that do nothing: `node bench/bare-queue.ts <redis url> <jobs at once>`, then a message with how many jobs; it answers
// what they took: added 100 at a time, and worked off.

/** What so many jobs took: CPU time of the whole process, and how long adding them alone took; in ms. */
export interface BareJobs {
  cpuMs: number
  addMs: number
}

const [redisUrl = '', concurrency = ''] = process.argv.slice(2)
const atOnce = 100

const redis = (): Redis => new Redis(redisUrl, { maxRetriesPerRequest: null })
const queue = new Queue('bare', { connection: redis() })
await queue.waitUntilReady()
process.on('message', (count: number) => void run(count).then((took) => process.send!(took)))
process.on('disconnect', () => process.exit())
process.send!('ready')

async function run(count: number): Promise<BareJobs> {
  const cpu = process.cpuUsage()
  const started = performance.now()
  let left = count
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (left-- > 0) await queue.add('nothing', { id: left }, { removeOnComplete: true })
    }),
  )
  const addMs = performance.now() - started
  let done = 0
  const worker = new Worker('bare', () => Promise.resolve(null), { connection: redis(), concurrency: Number(concurrency) })
  await new Promise<void>((resolve) => worker.on('completed', () => void ((done += 1) === count && resolve())))
  await worker.close()
  const { user, system } = process.cpuUsage(cpu)
  return { cpuMs: (user + system) / 1000, addMs }
}

import { startConsumer } from './consumer.ts'

/** A worker that takes a job, says so, and never ends: to be killed by a test. */
const [redisUrl = '', network = '', holder = ''] = process.argv.slice(2)
startConsumer({
  redisUrl,
  network,
  holder,
  concurrency: 1,
  process: (job) => {
    process.stdout.write(job.syncId)
    return new Promise(() => setInterval(() => undefined, 1000))
  },
})

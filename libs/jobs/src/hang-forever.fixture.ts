import { startConsumer } from './consumer.ts'
import { syncJobs } from './job-kind.ts'
import { openBackend } from './open-backend.ts'

/** A worker that takes a job, says so, and never ends: to be killed by a test. */
const [url = '', network = '', holder = ''] = process.argv.slice(2)
startConsumer({
  backend: openBackend(url),
  kind: syncJobs(network),
  holder,
  concurrency: 1,
  process: (job) => {
    process.stdout.write(job.syncId)
    return new Promise(() => setInterval(() => undefined, 1000))
  },
})

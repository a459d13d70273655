import { createHttp } from '@asheville/http-client'
import { createLogger, createSigner } from '@asheville/service'
import { createWorkers } from '../src/app.ts'
import { scrollNetwork } from './scroll.ts'

/** A worker in a process of its own, to be killed: what it needs comes as JSON in the first argument. */
interface Wanted {
  urls: { accountsUrl: string; platformUrl: string; redisUrl: string; queueUrl: string }
  privateKey: string
  scrollUrl: string
  pictures: number
  scratchDir: string
  holder: string
}

const { urls, privateKey, scrollUrl, pictures, scratchDir, holder } = JSON.parse(process.argv[2] ?? '{}') as Wanted
await createWorkers({
  ...urls,
  host: '127.0.0.1',
  port: 0,
  logger: createLogger('workers', 'silent'),
  sign: createSigner({ issuer: 'workers', privateKey }),
  networks: [scrollNetwork(scrollUrl, pictures)],
  variables: {},
  http: createHttp({ allow: ['127.0.0.0/8'] }),
  scratchDir,
  concurrency: 5,
  holder,
  version: '0.0.0',
  limits: { batch: { items: 200, bytes: 8 * 1024 ** 2, media: 200, firstMs: 100, ms: 300 } },
})
process.stdout.write('ready\n')

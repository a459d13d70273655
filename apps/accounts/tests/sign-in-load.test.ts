import { fork, type ChildProcess } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { accountsRoutes, createClient } from '@asheville/clients'
import { kindOf } from '@asheville/core'
import { createSigner } from '@asheville/service'
import { serviceKeys, testDatabase, testRedis } from '@asheville/testkit'
import { migrationsDirectory } from '../src/app.ts'

const signIns = 1000
const atOnce = 50
const password = 'a calm blue ridge'
const meter = join(import.meta.dirname, 'loop-delay.ts')
const program = join(import.meta.dirname, '..', 'src', 'main.ts')

interface Delay {
  p50: number
  p99: number
  max: number
}

async function delayOf(child: ChildProcess): Promise<Delay> {
  child.send('delay')
  for (;;) {
    const [message] = (await once(child, 'message')) as [unknown]
    if (typeof message === 'object' && message !== null && 'p99' in message) return message as Delay
  }
}

/** The address that the service says it listens at. */
async function addressOf(child: ChildProcess): Promise<string> {
  let text = ''
  for await (const chunk of child.stdout!) {
    text += String(chunk)
    const found = /"url":"([^"]+)"/.exec(text)?.[1]
    if (found !== undefined) return found
  }
  throw new Error(`It did not start: ${text}`)
}

test(`${signIns} sign-ins do not hold the event loop up`, async () => {
  const [database, redis] = [await testDatabase('accounts', migrationsDirectory), await testRedis()]
  const keys = serviceKeys()
  const env = {
    PATH: process.env['PATH'],
    NODE_ENV: 'test',
    LOG_LEVEL: 'info',
    PORT: '0',
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    WEB_URL: 'http://localhost:3000',
    SIGN_UP_OPEN: 'true',
    CREDENTIAL_KEYS: `test:${randomBytes(32).toString('base64')}`,
    LOCAL_STORAGE_DIR: '/nowhere',
    SERVICE_PRIVATE_KEY: keys.privateKey('accounts'),
    SERVICE_PUBLIC_KEYS: JSON.stringify(keys.publicKeys),
  }
  const idle = fork(meter, [], { env: { PATH: env.PATH } })
  const accounts = fork(program, [], { env, execArgv: ['--import', meter], stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  try {
    const baseUrl = await addressOf(accounts)
    accounts.stdout!.resume()
    const sign = createSigner({ issuer: 'web', privateKey: keys.privateKey('web') })
    const web = createClient(accountsRoutes, { service: 'accounts', baseUrl, sign, timeoutMs: 60_000 })
    const emails = Array.from({ length: 25 }, () => `${randomUUID()}@example.org`)
    for (const email of emails) await web.createUser({ body: { name: 'Ann', email, password, locale: 'en' } })
    await Promise.all([delayOf(idle), delayOf(accounts)])

    const startedAt = performance.now()
    let [next, done, later] = [0, 0, 0]
    const worker = async () => {
      while (next < signIns) {
        const number = next++
        const body = {
          email: emails[number % emails.length]!,
          password,
          device: { userAgent: 'Load', address: `198.51.100.${number % 200}` },
        }
        for (;;) {
          const kind = await web.createSession({ body }).then(() => 'done' as const, kindOf)
          if (kind === 'done') break
          // Too many wait for their turn: whoever is told so comes back, as a browser's person does.
          if (kind !== 'unavailable') throw new Error(`A sign-in ended in ${kind}`)
          later += 1
          await delay(1000)
        }
        done += 1
      }
    }
    await Promise.all(Array.from({ length: atOnce }, worker))
    const seconds = Math.round((performance.now() - startedAt) / 100) / 10
    const [quiet, busy] = [await delayOf(idle), await delayOf(accounts)]
    const figures = { signIns: done, atOnce, seconds, toldToComeBack: later, eventLoopDelayMs: { accounts: busy, idleProcess: quiet } }
    process.stderr.write(`sign-ins: ${JSON.stringify(figures)}\n`)
    expect(done).toBe(signIns)
    // What an idle process has beside it is the machine's doing.
    expect(busy.p99 - quiet.p99).toBeLessThan(200)
  } finally {
    for (const child of [idle, accounts]) child.kill('SIGKILL')
    await Promise.all([database.close(), redis.close()])
  }
}, 600_000)

import { randomBytes } from 'node:crypto'
import { createHttp } from '@asheville/http-client'
import { storageById } from '@asheville/storages'
import { describeStorage, read, stored, uploadOf, type StorageUnderTest } from '@asheville/testkit'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { privatePort } from '../../scripts/embedded/ports.ts'
import { makeBucket } from './s3/make-bucket.ts'
import { startSwift } from './s3/start-swift.ts'

// A service that nobody here wrote, which checks signatures: OpenStack Swift with its s3api. It takes root.

const s3 = storageById('s3')!
const [login] = s3.logins
if (login?.kind !== 'fields') throw new Error('no login')
const http = createHttp({ allow: ['127.0.0.0/8'], timeoutMs: 20_000 })
const { signal } = new AbortController()

let server: Awaited<ReturnType<typeof startSwift>>
beforeAll(async () => {
  const ports = []
  for (const name of ['proxy', 'account', 'container', 'object']) ports.push(await privatePort(`swift ${name}`))
  server = await startSwift(ports)
  await makeBucket(server.url, 'copies', server.keys)
}, 120_000)
afterAll(async () => {
  await server?.close()
  await http.close()
}, 60_000)

let number = 0

/** A folder of its own in the one bucket. */
async function connect() {
  const { url, keys } = server
  const typed = { endpoint: url, region: '', bucket: 'copies', folder: `folder ${++number}` }
  if (login?.kind !== 'fields') throw new Error('no login')
  const fields = { ...typed, accessKey: keys.accessKeyId, secretKey: keys.secretAccessKey }
  const signedIn = await login.signIn(fields, { http, variables: {}, signal, now: () => new Date() })
  let secret = signedIn.tokens!.accessToken
  const io = { ...signedIn, http, variables: {}, account: { id: typed.folder, handle: '' }, now: () => new Date() }
  return { storage: s3.open({ ...io, token: () => Promise.resolve(secret) }), setSecret: (next: string) => void (secret = next) }
}

describeStorage('s3 at OpenStack Swift', async (): Promise<StorageUnderTest> => {
  const { storage, setSecret } = await connect()
  return {
    storage,
    async killToken() {
      setSecret('not the secret')
      return 'not the secret'
    },
    close: async () => undefined,
  }
})

test('a large file goes in parts', async () => {
  const { storage } = await connect()
  const data = Buffer.alloc(65 * 1024 * 1024, randomBytes(1024 * 1024 + 1))
  const revision = await stored(storage, uploadOf('film.mp4', data))
  expect((await storage.stat('film.mp4', signal))?.revision).toBe(revision)
  expect((await read(storage, 'film.mp4'))?.equals(data)).toBe(true)
}, 120_000)

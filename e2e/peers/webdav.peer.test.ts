import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createHttp } from '@asheville/http-client'
import { privatePort } from '../../scripts/embedded/ports.ts'
import { storageById } from '@asheville/storages'
import { describeStorage, type StorageUnderTest } from '@asheville/testkit'
import { afterAll, expect, test } from '@jest/globals'
import { startApache } from './webdav/start-apache.ts'

// A server that nobody here wrote: Apache's mod_dav. It takes root, to mount a disk that can be full and to run it as who it runs as.

const run = promisify(execFile)
const webdav = storageById('webdav')!
const [login] = webdav.logins
if (login?.kind !== 'fields') throw new Error('no login')
const http = createHttp({ allow: ['127.0.0.0/8'], timeoutMs: 20_000 })
const started: { close(): Promise<void> }[] = []
afterAll(async () => {
  for (const one of started.toReversed()) await one.close()
  await http.close()
})

/** A file system of 4 MiB for the files, so that it can be full. */
async function smallDisk(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'asheville-webdav-'))
  await run('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=0777', 'tmpfs', directory])
  started.push({
    async close() {
      await run('umount', ['-l', directory])
      await rm(directory, { recursive: true })
    },
  })
  return directory
}

let number = 0
let running: Promise<{ server: Awaited<ReturnType<typeof startApache>>; files: string }> | null = null
const apache = () => (running ??= start())

async function start() {
  const files = await smallDisk()
  const server = await startApache(files, await privatePort(files))
  started.push(server)
  return { server, files }
}

async function connect(url: string) {
  const { signal } = new AbortController()
  const fields = { address: url, user: 'alice', password: 'correct horse', folder: `folder ${++number}` }
  if (login?.kind !== 'fields') throw new Error('no login')
  const signedIn = await login.signIn(fields, { http, variables: {}, signal, now: () => new Date() })
  const io = { ...signedIn, http, variables: {}, account: { id: 'alice', handle: '' }, now: () => new Date() }
  return webdav.open({ ...io, token: () => Promise.resolve(signedIn.tokens!.accessToken) })
}

describeStorage('webdav at Apache mod_dav', async (): Promise<StorageUnderTest> => {
  const { server, files } = await apache()
  const storage = await connect(server.url)
  const filler = join(files, 'filler')
  return {
    storage,
    async fillQuota() {
      await writeFile(filler, Buffer.alloc(3.9 * 1024 * 1024)).catch(() => undefined)
    },
    freeQuota: () => rm(filler, { force: true }),
    async killToken() {
      await server.setPassword('another')
      return 'correct horse'
    },
    async close() {
      await rm(filler, { force: true })
      await server.setPassword('correct horse')
      await run('find', [files, '-mindepth', '1', '-delete'])
    },
  }
})

test('it is known for what it is', async () => {
  const { server } = await apache()
  expect((await connect(server.url)).can.conditional).toBe(true)
})

import { spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { AtpAgent } from '@atproto/api'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { encodePicture } from '@asheville/simulators'
import { connect, signUp, startInstance, storedFiles, storedItems, syncNow, type Instance } from '../instance.ts'

// The real Bluesky server, and the vendor's own client to write to it: `npm run test:peers` installs and starts it.

const posts = 200
const pictures = 20

let server: ChildProcess
let agent: AtpAgent
let instance: Instance

beforeAll(async () => {
  // The server's SQLite module is built for the Node that installed it, not for ours.
  const node = process.env['npm_node_execpath'] ?? 'node'
  server = spawn(node, ['start.js'], {
    cwd: join(import.meta.dirname, 'bluesky'),
    env: { PATH: process.env['PATH'], PORT: '2583', LOG_ENABLED: 'false' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface({ input: server.stdout! }), 'line')) as [string]
  const { url } = JSON.parse(line) as { url: string }
  agent = new AtpAgent({ service: url })
  instance = await startInstance([url])
}, 60_000)

afterAll(async () => {
  await instance?.close()
  if (server?.exitCode !== null) return
  server.kill('SIGTERM')
  await once(server, 'exit')
}, 60_000)

test(`${posts} posts with ${pictures} pictures arrive byte for byte, then exactly the difference`, async () => {
  await agent.createAccount({ email: 'alice@example.org', handle: 'alice.test', password: 'correct horse battery' })
  const { data: app } = await agent.com.atproto.server.createAppPassword({ name: 'Asheville' })
  const hashes: string[] = []
  const uris: string[] = []
  for (let index = 0; index < posts; index++) {
    const createdAt = new Date(Date.UTC(2021, 0, 1 + index * 5)).toISOString()
    const picture = index % (posts / pictures) === 0 ? await upload(index, hashes) : undefined
    uris.push((await agent.post({ text: `Post ${index} ⛰️`, createdAt, ...(picture && { embed: picture }) })).uri)
  }

  const person = await signUp(instance)
  await connect(instance, person, 'bluesky', { handle: 'alice.test', password: app.password, server: agent.serviceUrl.origin })
  const first = await syncNow(instance, person.userId)
  expect(first).toMatchObject({ state: 'done', tally: { new: posts } })
  const files = await storedFiles(instance, person.userId)
  expect(
    storedItems(files)
      .map(({ object }) => object.id)
      .sort(),
  ).toEqual([...uris].sort())
  const media = [...files].filter(([path]) => path.startsWith('media/')).map(([, bytes]) => hashOf(bytes))
  expect(media.sort()).toEqual([...hashes].sort())

  const [repo, collection] = uris[50]!.slice('at://'.length).split('/') as [string, string]
  const rkey = uris[50]!.split('/').at(-1)!
  const record = { $type: collection, text: 'Put in its place', createdAt: new Date(Date.UTC(2021, 0, 251)).toISOString() }
  await agent.com.atproto.repo.putRecord({ repo, collection, rkey, record })
  await agent.deletePost(uris[60]!)
  for (let index = 0; index < 10; index++) await agent.post({ text: `New ${index}` })
  const second = await syncNow(instance, person.userId)
  expect(second).toMatchObject({ state: 'done', tally: { new: 10, changed: 1, gone: 1 } })

  const items = storedItems(await storedFiles(instance, person.userId))
  expect(items).toHaveLength(posts + 10)
  expect(items.find(({ object }) => object.id === uris[50])?.object['content']).toContain('Put in its place')
  expect(items.find(({ object }) => object.id === uris[60])?.object).toHaveProperty('asheville:goneAt')
  const third = await syncNow(instance, person.userId)
  expect(third).toMatchObject({ state: 'done', tally: { new: 0, changed: 0, gone: 0 } })
}, 180_000)

async function upload(index: number, hashes: string[]) {
  const bytes = encodePicture({ seed: `peer-${index}`, format: 'png', width: 320, height: 200 })
  hashes.push(hashOf(bytes))
  const { data } = await agent.uploadBlob(bytes, { encoding: 'image/png' })
  return { $type: 'app.bsky.embed.images', images: [{ image: data.blob, alt: `Picture ${index}` }] }
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startMastodon, type MastodonSimulator } from '@asheville/simulators'
import { connectOAuth, signUp, startInstance, syncNow, type Instance } from './instance.ts'

const run = promisify(execFile)
let instance: Instance
let mastodon: MastodonSimulator
let directory: string
let secret: string
let origin: string

beforeAll(async () => {
  mastodon = await startMastodon({ accounts: ['ann'], rateLimit: null, pictureSize: { width: 16, height: 16 } })
  mastodon.generate({ seed: 'developers', account: 'ann', statuses: 25, favourites: 3, pictures: 3 })
  instance = await startInstance([mastodon.url], { SYNC_INTERVAL_MINUTES: '1000' })
  directory = await mkdtemp(join(tmpdir(), 'asheville-developers-'))
  origin = `http://127.0.0.1:${instance.constellation.port}`
  const person = await signUp(instance)
  await connectOAuth(instance, person, 'mastodon', { server: mastodon.url }, (address) => mastodon.authorize(address, { account: 'ann' }))
  expect((await syncNow(instance, person.userId)).state).toBe('done')
  const body = {
    sessionId: person.sessionId,
    current: 'a calm blue ridge',
    name: 'Walk',
    scopes: ['posts:read' as const, 'posts:write' as const],
    days: 30 as const,
  }
  secret = (await instance.accounts('web').createAppToken({ userId: person.userId, body })).secret
}, 180_000)
afterAll(async () => {
  await instance?.close()
  await mastodon?.close()
  await rm(directory, { recursive: true, force: true })
}, 60_000)

/** A command as the README has it, with this instance's address and token. */
async function shell(command: string): Promise<string> {
  const here = command.replaceAll('http://localhost:3000', origin)
  const { stdout } = await run('sh', ['-c', here], { env: { PATH: process.env['PATH'], TOKEN: secret }, timeout: 20_000 }).catch(
    (error: unknown) => {
      // Streams of events end when we have heard enough.
      if (command.includes('--max-time')) return error as { stdout: string }
      throw error
    },
  )
  return stdout
}

test('the commands of the README work as they are written', async () => {
  const readme = await readFile(join(import.meta.dirname, '../README.md'), 'utf8')
  const block = /## For developers[\s\S]*?```\n([\s\S]*?)```/.exec(readme)![1]!
  const commands = block
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line.startsWith('curl'))
  expect(commands).toHaveLength(3)
  const [list, events, write] = commands.map((command) => command.replace('curl', 'curl -sS --fail-with-body')) as [string, string, string]

  expect((JSON.parse(await shell(list)) as { items: object[] }).items).toHaveLength(3)
  const told = await shell(events.replace('curl', 'curl --max-time 3'))
  expect(told.match(/^event: new$/gm)!.length).toBeGreaterThanOrEqual(25)
  const written = await shell(write)
  expect(JSON.parse(written)).toMatchObject({ new: 1, skipped: [] })
  expect(await shell(write)).toBe(written)
}, 60_000)

test('curl walks: pages by Link, one item by ETag, a file by Range', async () => {
  const curl = (more: string) => shell(`curl -sS -H "Authorization: Bearer $TOKEN" ${more}`)
  let items = 0
  for (let address: string | undefined = '/v1/items?limit=10'; address !== undefined;) {
    const answer = await curl(`-D - '${origin}${address}'`)
    items += (JSON.parse(answer.split('\r\n\r\n')[1]!) as { items: object[] }).items.length
    address = /^link: <([^>]+)>; rel="next"/im.exec(answer)?.[1]
  }
  expect(items).toBeGreaterThanOrEqual(25)
  const { items: all } = JSON.parse(await curl(`'${origin}/v1/items?limit=100'`)) as { items: { key: string }[] }
  const shown = all.find((one) => JSON.stringify(one).includes('"asheville:path"'))!
  const path = /"asheville:path":"([^"]+)"/.exec(JSON.stringify(shown))![1]!
  const etag = /^etag: (.*)\r$/im.exec(await curl(`-D - '${origin}/v1/items/${shown.key}'`))![1]!
  expect(await curl(`-o /dev/null -w '%{http_code}' -H 'If-None-Match: ${etag}' '${origin}/v1/items/${shown.key}'`)).toBe('304')
  expect(await curl(`-o /dev/null -w '%{http_code} %{size_download}' -r 0-9 '${origin}/v1/files/${path}?item=${shown.key}'`)).toBe('206 10')
}, 60_000)

test('a client that is generated from the document walks through it', async () => {
  await writeFile(join(directory, 'openapi.json'), await (await fetch(`${origin}/v1/openapi.json`)).text())
  await writeFile(join(directory, 'package.json'), '{"type":"module"}')
  const generate = `import { createClient } from '@hey-api/openapi-ts'
    const output = { path: ${JSON.stringify(join(directory, 'client'))}, importFileExtension: '.ts' }
    await createClient({ input: ${JSON.stringify(join(directory, 'openapi.json'))}, output, plugins: ['@hey-api/typescript', '@hey-api/sdk', '@hey-api/client-fetch'], logs: { level: 'silent' } })`
  await run(process.execPath, ['--input-type=module', '-e', generate], { cwd: join(import.meta.dirname, '..'), timeout: 60_000 })
  const { stdout } = await run(
    process.execPath,
    [join(import.meta.dirname, 'developers/walk.ts'), join(directory, 'client/index.ts'), origin, secret],
    { timeout: 60_000 },
  )
  expect(JSON.parse(stdout)).toEqual({
    status: 201,
    replayed: ['true', true],
    content: 'From a generated client',
    unchanged: 304,
    keys: [expect.any(Number), expect.any(Number), true],
    file: [expect.stringMatching(/^image\//), true],
    counts: expect.arrayContaining(['posts']),
    event: ['account', 'at', 'contentType', 'goneAt', 'id', 'key', 'network'],
    refused: [403, 'forbidden'],
  })
}, 120_000)

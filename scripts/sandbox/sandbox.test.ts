import { afterAll, expect, test } from '@jest/globals'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { logins } from './people.ts'
import { startSandbox, type Sandbox } from './start-sandbox.ts'

let dataDir: string
let sandbox: Sandbox | undefined

afterAll(async () => {
  await sandbox?.close()
  await rm(dataDir, { recursive: true, force: true })
}, 30_000)

const start = async (): Promise<Sandbox> => {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'] }
  return startSandbox({ env, dataDir, port: 0, amount: { posts: 60 } })
}

test('everybody is there, and everything is copied; at the second start nothing again', async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'asheville-sandbox-'))
  sandbox = await start()
  const { memory, introduction } = sandbox
  expect((await stat(join(dataDir, 'sandbox.json'))).mode & 0o777).toBe(0o600)
  for (const who of ['owner', 'demo'] as const) {
    expect(introduction.join('\n')).toContain(memory.passwords[who])
    expect(await mayComeIn(sandbox, logins[who].email, memory.passwords[who])).toBe(true)
  }
  const first = await synced(sandbox)
  expect(first).toEqual({ connections: 5, items: expect.any(Number) })
  expect(first.items).toBeGreaterThan(120)
  const inDropbox = await readdir(join(dataDir, 'dropbox', 'demo'), { recursive: true })
  for (const network of ['twitter', 'facebook'])
    expect(inDropbox.filter((path) => path.startsWith(`${network}/`)).length).toBeGreaterThan(3)
  // Worth looking at: five years of posts with pictures and places, and threads.
  const posts = await itemsBelow(join(dataDir, 'dropbox', 'demo', 'twitter'))
  expect(new Set(posts.map(({ 'asheville:at': at }) => String(at).slice(0, 4))).size).toBeGreaterThanOrEqual(5)
  for (const part of ['attachment', 'location', 'inReplyTo'])
    expect(posts.filter((post) => post[part] !== undefined).length).toBeGreaterThan(0)
  const facebook = await itemsBelow(join(dataDir, 'dropbox', 'demo', 'facebook'))
  expect(facebook.filter(({ attachment }) => attachment !== undefined).length).toBeGreaterThan(5)

  await sandbox.close()
  sandbox = await start()
  expect(sandbox.memory).toEqual(memory)
  expect(await mayComeIn(sandbox, logins.demo.email, memory.passwords.demo)).toBe(true)
  expect(await synced(sandbox)).toEqual(first)
}, 120_000)

/** The items of the posts' page files in a network's folder. */
async function itemsBelow(folder: string): Promise<Record<string, unknown>[]> {
  const paths = (await readdir(folder, { recursive: true })).filter((path) => /\/posts\/\d{4}-\d{2}(\.\d+)?\.json$/.test(path))
  const pages = await Promise.all(
    paths.map(async (path) => JSON.parse(await readFile(join(folder, path), 'utf8')) as { orderedItems: Record<string, unknown>[] }),
  )
  return pages.flatMap(({ orderedItems }) => orderedItems)
}

async function mayComeIn({ constellation }: Sandbox, email: string, password: string): Promise<boolean> {
  const origin = `http://127.0.0.1:${constellation.port}`
  const page = await fetch(`${origin}/sign-in`)
  const [, csrf = ''] = /name="_csrf" value="([^"]+)"/.exec(await page.text()) ?? []
  const cookie = page.headers.getSetCookie().find((line) => line.startsWith('asheville-visitor='))!
  const headers = { cookie: cookie.split(';')[0]!, 'sec-fetch-site': 'same-origin' }
  const body = new URLSearchParams({ _csrf: csrf, email, password })
  return (await fetch(`${origin}/sign-in`, { method: 'POST', headers, body, redirect: 'manual' })).status === 303
}

/** Waits for the sync that every start begins; then which connections work and how many items there are. */
async function synced({ constellation }: Sandbox): Promise<{ connections: number; items: number }> {
  const client = new pg.Client({ connectionString: constellation.databaseUrl })
  await client.connect()
  const count = async (query: string): Promise<number> => Number((await client.query<{ many: string }>(query)).rows[0]!.many)
  try {
    while ((await count("SELECT count(*) AS many FROM accounts.syncs WHERE state = 'running'")) > 0) await wait(100)
    expect(await count("SELECT count(*) AS many FROM accounts.syncs WHERE state <> 'done'")).toBe(0)
    return {
      connections: await count("SELECT count(*) AS many FROM accounts.connections WHERE kind = 'network' AND state = 'active'"),
      items: await count('SELECT count(*) AS many FROM platform.items WHERE gone_at IS NULL'),
    }
  } finally {
    await client.end()
  }
}

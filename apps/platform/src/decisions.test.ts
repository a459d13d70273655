import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Storage, StorageIo } from '@asheville/core'
import { storageById } from '@asheville/storages'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { changeDecisions, readDecisions, withDecisions, type Decision } from './decisions.ts'

const { signal } = new AbortController()
let directory: string
let storage: Storage
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'asheville-decisions-'))
  const io = { account: { id: 'ada', handle: '' }, variables: { LOCAL_STORAGE_DIR: directory } } as unknown as StorageIo
  storage = storageById('local')!.open(io)
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const file = () => join(directory, 'ada/Asheville/decisions.json')
const item = (id: string) => ({ network: 'mastodon', account: '4711', contentType: 'posts' as const, id })
const removed = (id: string, day = 1): Decision => ({ kind: 'removed', at: `2026-01-0${day}T00:00:00.000Z`, item: item(id) })
const add = (...more: Decision[]) => changeDecisions(storage, (before) => withDecisions(before, more), signal)

test('what is decided is kept, the later one about the same; what comes to nothing is not written', async () => {
  expect(await readDecisions(storage, signal)).toEqual([])
  expect(await changeDecisions(storage, (before) => before, signal)).toEqual([])
  await expect(readFile(file())).rejects.toMatchObject({ code: 'ENOENT' })

  const focal: Decision = { kind: 'focal-point', at: '2026-01-02T00:00:00.000Z', sha256: 'a'.repeat(64), x: 0.5, y: 0.25 }
  await add(removed('a'), focal, removed('a', 3))
  const twins: Decision = { kind: 'not-the-same', at: '2026-01-02T00:00:00.000Z', items: [item('a'), item('b')] }
  await add(twins)
  await add({ ...twins, items: [item('b'), item('a')] })
  expect(await readDecisions(storage, signal)).toEqual([focal, removed('a', 3), { ...twins, items: [item('b'), item('a')] }])

  const before = await storage.stat('decisions.json', signal)
  await add(...(await readDecisions(storage, signal)))
  expect(await storage.stat('decisions.json', signal)).toEqual(before)
  await changeDecisions(storage, (all) => all.filter(({ kind }) => kind !== 'removed'), signal)
  expect((await readDecisions(storage, signal)).map(({ kind }) => kind)).toEqual(['focal-point', 'not-the-same'])
})

test('what others wrote into the file stays, whatever the layout, and is never written over unseen', async () => {
  await add(removed('a'))
  const value = JSON.parse(await readFile(file(), 'utf8')) as { decisions: object[] }
  const mine = { kind: 'of-a-later-version', anything: 1 }
  const noted = { ...removed('a'), note: 'I do not want it' }
  await writeFile(file(), JSON.stringify({ ...value, note: 'mine', decisions: [mine, noted, 'words'] }, null, 2))
  await add(removed('b'))
  expect(JSON.parse(await readFile(file(), 'utf8'))).toEqual({ format: 1, note: 'mine', decisions: [noted, removed('b'), mine, 'words'] })

  // Several at once: each sees what the others decided.
  await Promise.all(Array.from({ length: 4 }, (_, index) => add(removed(`many ${index}`))))
  expect(await readDecisions(storage, signal)).toHaveLength(6)
})

test('a file that cannot be read is kept beside ours, with what can be saved of it', async () => {
  await add(removed('a'), removed('b'))
  const broken = (await readFile(file(), 'utf8')).replace('"format"', 'format')
  await writeFile(file(), broken)
  expect(await readDecisions(storage, signal)).toEqual([removed('a'), removed('b')])
  await add(removed('c'))
  expect(await readDecisions(storage, signal)).toEqual([removed('a'), removed('b'), removed('c')])
  const [copy] = (await readdir(join(directory, 'ada/Asheville'))).filter((name) => name.startsWith('decisions.conflict-'))
  expect(await readFile(join(directory, 'ada/Asheville', copy!), 'utf8')).toBe(broken)
})

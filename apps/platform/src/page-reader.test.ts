import { Readable } from 'node:stream'
import { beforeEach, expect, test } from '@jest/globals'
import type { Changes, Storage } from '@asheville/core'
import { newPage, printPage, toEntry } from './page-file.ts'
import { createPageReader } from './page-reader.ts'
import type { StoredObject } from './stored-object.ts'

const place = { userId: 'ada', storageId: 's', path: 'mastodon/ada/posts/2024-03.json', revision: '1' }
const pageOf = (content: string) =>
  printPage({
    ...newPage({ network: 'mastodon', account: { id: '1', handle: 'ada' }, contentType: 'posts', month: '2024-03' }),
    entries: [
      toEntry({ id: 'a', type: 'Note', content, 'asheville:at': null, 'asheville:stream': 's', 'asheville:seenAt': '' } as StoredObject),
    ],
  })

let file: { text: string; revision: string }
let changed: string[]
let calls: Record<'get' | 'unchanged' | 'changes', number>
let nowMs: number
const kept = new Map<string, string>()

const storage = {
  async get(_path: string, { unless }: { unless?: string }) {
    if (unless === file.revision) {
      calls.unchanged++
      return 'unchanged'
    }
    calls.get++
    const body = Readable.from([Buffer.from(file.text)])
    return { body, bytes: file.text.length, revision: file.revision }
  },
  async changes(): Promise<Changes> {
    calls.changes++
    const paths = changed
    changed = []
    return { paths, cursor: 'c' }
  },
} as unknown as Storage

const cache = {
  get: async ({ revision }: { revision: string }) => kept.get(revision) ?? null,
  put: async ({ revision }: { revision: string }, text: string) => void kept.set(revision, text),
  forget: async () => undefined,
}

beforeEach(() => {
  file = { text: pageOf('one'), revision: '1' }
  changed = []
  calls = { get: 0, unchanged: 0, changes: 0 }
  nowMs = 0
  kept.clear()
})

const reader = () => createPageReader(cache, { now: () => nowMs })
const wordOf = async (read: ReturnType<typeof reader>, of: Storage = storage, isAsked = false) =>
  /"content":"(\w+)"/.exec((await read(of, place, isAsked)).get('a')?.line ?? '')?.[1]

test('a hundred who miss at once make one call, and others afterwards none, in another process neither', async () => {
  const read = reader()
  expect(new Set(await Promise.all(Array.from({ length: 100 }, () => wordOf(read))))).toEqual(new Set(['one']))
  expect(await wordOf(read)).toBe('one')
  expect(await wordOf(reader())).toBe('one')
  expect(calls).toEqual({ get: 1, unchanged: 0, changes: 0 })
})

test('whoever wants it from the storage itself has it from there', async () => {
  const read = reader()
  await wordOf(read)
  file = { text: pageOf('two'), revision: '2' }
  expect(await wordOf(read)).toBe('one')
  expect(await wordOf(read, storage, true)).toBe('two')
  expect(await wordOf(read)).toBe('two')
  await wordOf(read, storage, true)
  expect(calls).toEqual({ get: 2, unchanged: 1, changes: 0 })
})

test('a storage that tells changes is asked for those alone, once a minute, and for a page only when that was touched', async () => {
  const read = reader()
  await wordOf(read)
  // From when on changes are told is not known before they were asked for once.
  nowMs = 61_000
  await wordOf(read)
  expect(calls).toEqual({ get: 1, unchanged: 1, changes: 1 })
  for (nowMs = 122_000; nowMs < 1_000_000; nowMs += 61_000) expect(await wordOf(read)).toBe('one')
  expect(calls).toMatchObject({ get: 1, unchanged: 1 })
  file = { text: pageOf('two'), revision: '2' }
  changed = [place.path]
  expect(await wordOf(read)).toBe('two')
  expect(calls).toMatchObject({ get: 2, unchanged: 1 })
  nowMs += 61_000
  changed = ['another.json']
  expect(await wordOf(read)).toBe('two')
  expect(calls).toMatchObject({ get: 2, unchanged: 1 })
})

test('any other storage is asked whether the page is another', async () => {
  const read = reader()
  const { changes: _, ...plain } = storage
  await wordOf(read, plain)
  nowMs = 61_000
  await wordOf(read, plain)
  await wordOf(read, plain)
  expect(calls).toEqual({ get: 1, unchanged: 1, changes: 0 })
})

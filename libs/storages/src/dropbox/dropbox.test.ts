import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { kindOf, type Http, type PutResult, type Storage, type StorageIo, type Upload } from '@asheville/core'
import { createHttp } from '@asheville/http-client'
import { startDropbox, type DropboxOptions } from '@asheville/simulators'
import { bytesOf, describeStorage, uploadOf, type StorageFault } from '@asheville/testkit'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { createContentHash } from './content-hash.ts'
import { dropbox } from './index.ts'

const { signal } = new AbortController()

async function putOne(storage: Storage, upload: Upload): Promise<PutResult> {
  const [result] = await storage.put([upload], signal)
  return result!
}

async function stored(storage: Storage, upload: Upload): Promise<string> {
  const result = await putOne(storage, upload)
  if (result.outcome !== 'stored') throw new Error(`${upload.path}: ${result.outcome}`)
  return result.revision
}

async function paths(storage: Storage): Promise<string[]> {
  const found: string[] = []
  for await (const file of storage.list('', signal)) found.push(file.path)
  return found.sort()
}

/** A Dropbox of a person's own, and its storage. On a busy machine every answer takes its time: only of one that hangs is soon given up. */
async function openDropbox(options: DropboxOptions = {}) {
  const server = await startDropbox({ commitMs: 1, ...options })
  const [patient, impatient] = [20_000, 400].map((timeoutMs) => createHttp({ allow: ['127.0.0.0/8'], timeoutMs }))
  let isHanging = false
  const http: Http = { ...patient!, fetch: (input, init) => (isHanging ? impatient! : patient!).fetch(input, init) }
  let token = server.issueTokens().accessToken
  const io: StorageIo = {
    http,
    token: () => Promise.resolve(token),
    server: null,
    fields: {},
    account: { id: server.account().id, handle: '' },
    variables: { DROPBOX_API_URL: server.url, DROPBOX_CONTENT_URL: server.url, DROPBOX_WEB_URL: server.url },
    now: () => new Date(),
  }
  return {
    server,
    io,
    storage: dropbox.open(io),
    currentToken: () => token,
    fault(fault: StorageFault | null) {
      isHanging = fault === 'hang'
      server.faults.clear()
      if (fault) server.faults.add(faults[fault])
    },
    renew() {
      server.expireTokens()
      token = server.issueTokens().accessToken
    },
    async close() {
      await server.close()
      await Promise.all([patient!.close(), impatient!.close()])
    },
  }
}

const faults: Record<StorageFault, Parameters<Awaited<ReturnType<typeof startDropbox>>['faults']['add']>[0]> = {
  'rate-limited': { kind: 'rate-limited', retryAfterSeconds: 1 },
  'server-error': { kind: 'server-error' },
  hang: { kind: 'stall' },
  'cut-off': { kind: 'short-body' },
}

describeStorage('dropbox', async () => {
  const place = await openDropbox()
  let wasHeldBack = false
  return {
    storage: place.storage,
    async fillQuota() {
      place.server.fill(32 * 1024)
    },
    async freeQuota() {
      place.server.free()
    },
    async killToken() {
      place.server.revokeTokens()
      return place.currentToken()
    },
    renewToken: place.renew,
    async fault(fault) {
      place.fault(null)
      // What was told to wait asks nothing before that is over.
      if (wasHeldBack) await new Promise((resolve) => setTimeout(resolve, 1100))
      wasHeldBack = fault === 'rate-limited'
      place.fault(fault)
    },
    close: place.close,
  }
})

describe('dropbox', () => {
  let place: Awaited<ReturnType<typeof openDropbox>>
  beforeEach(async () => {
    place = await openDropbox()
  })
  afterEach(() => place.close())
  const calls = () => place.server.counters.snapshot().total

  test('the account is told by an id that stays', async () => {
    const { id, email } = place.server.account()
    expect(await dropbox.account(place.io, signal)).toMatchObject({ id, handle: email })
  })

  test('one file is one call, and many are three', async () => {
    await stored(place.storage, uploadOf('a/one.json', 'one'))
    expect(calls()).toBe(1)
    const uploads = Array.from({ length: 40 }, (_, index) => uploadOf(`b/${index}.json`, `number ${index}`))
    const results = await place.storage.put(uploads, signal)
    expect(results.every(({ outcome }) => outcome === 'stored')).toBe(true)
    expect(calls()).toBe(4)
  })

  test('what comes while one is written is written together: no commit meets another', async () => {
    await place.close()
    place = await openDropbox({ commitMs: 40 })
    const uploads = Array.from({ length: 30 }, (_, index) => uploadOf(`c/${index}.bin`, randomBytes(2000 + index)))
    const results = await Promise.all(uploads.map((upload) => putOne(place.storage, upload)))
    expect(results.every(({ outcome }) => outcome === 'stored')).toBe(true)
    expect(calls()).toBeLessThanOrEqual(6)
    for (const { path, body } of uploads) {
      const got = await place.storage.get(path, { signal })
      if (got === null || got === 'unchanged') throw new Error('nothing came')
      expect((await bytesOf(got.body)).equals(await bytesOf(body()))).toBe(true)
    }
  })

  test('one that breaks among many is told, and the others are stored', async () => {
    let reads = 0
    const good = Array.from({ length: 5 }, (_, index) => uploadOf(`d/${index}.json`, `number ${index}`))
    const data = randomBytes(5000)
    const breaking: Upload = {
      ...uploadOf('d/broken.bin', data),
      body: () => {
        reads += 1
        const isSecond = reads > 1
        return Readable.from(
          (async function* () {
            yield data.subarray(0, 100)
            if (isSecond) throw new Error('the spool is gone')
            yield data.subarray(100)
          })(),
          { objectMode: false },
        )
      },
    }
    const results = await place.storage.put([...good.slice(0, 2), breaking, ...good.slice(2)], signal)
    expect(results.map(({ outcome }) => outcome)).toEqual(['stored', 'stored', 'failed', 'stored', 'stored', 'stored'])
    expect(await paths(place.storage)).toEqual(good.map(({ path }) => path))
  })

  test('one of many whose version is stale is a conflict, and the others are stored', async () => {
    const old = await stored(place.storage, uploadOf('e/a.json', 'first'))
    await stored(place.storage, uploadOf('e/a.json', 'second', 'any'))
    const uploads = [uploadOf('e/a.json', 'third', old), ...[1, 2, 3].map((index) => uploadOf(`e/${index}.json`, 'x'))]
    const results = await place.storage.put(uploads, signal)
    expect(results.map(({ outcome }) => outcome)).toEqual(['conflict', 'stored', 'stored', 'stored'])
  })

  test('nothing is asked before Dropbox said', async () => {
    place.server.faults.add({ kind: 'rate-limited', retryAfterSeconds: 1, next: 1 })
    const uploads = Array.from({ length: 6 }, (_, index) => uploadOf(`f/${index}.json`, 'x'))
    const results = await Promise.all(uploads.map((upload) => putOne(place.storage, upload)))
    for (const result of results) expect(result).toMatchObject({ outcome: 'failed', error: { kind: 'rate-limited' } })
    expect(calls()).toBe(1)
    await expect(place.storage.stat('f/0.json', signal)).rejects.toMatchObject({ kind: 'rate-limited' })
    expect(calls()).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 1100))
    await stored(place.storage, uploads[0]!)
    expect(place.server.counters.snapshot().callsBeforeRetryAfter).toBe(0)
  })

  test('what others write into the account at the same time is waited for, not taken for ours', async () => {
    await place.close()
    place = await openDropbox({ commitMs: 300 })
    const other = dropbox.open({ ...place.io, account: { id: 'another process', handle: '' } })
    const [one, two] = await Promise.all([
      putOne(place.storage, uploadOf('g/one.json', 'one')),
      putOne(other, uploadOf('g/two.json', 'two')),
    ])
    const outcomes = [one, two].map((result) => (result.outcome === 'failed' ? kindOf(result.error) : result.outcome))
    expect(outcomes.sort()).toEqual(['rate-limited', 'stored'])
  })

  test('changes are told once, and all of them when Dropbox forgot', async () => {
    const { cursor } = await place.storage.changes!(null, signal)
    await stored(place.storage, uploadOf('h/a.json', 'x'))
    place.server.put('/h/by-hand.json', 'mine')
    const news = await place.storage.changes!(cursor, signal)
    expect(news.paths).toEqual(expect.arrayContaining(['h/a.json', 'h/by-hand.json']))
    expect((await place.storage.changes!(news.cursor, signal)).paths).toEqual([])
    place.server.remove('/h')
    expect((await place.storage.changes!(news.cursor, signal)).paths).toBe('all')
  })

  test('a folder is never removed for a file', async () => {
    await stored(place.storage, uploadOf('i/deep/file.json', 'x'))
    await place.storage.remove('i/deep', null, signal)
    expect(await paths(place.storage)).toEqual(['i/deep/file.json'])
  })

  test('the content hash is Dropbox’s own, whatever the pieces', async () => {
    const data = randomBytes(9 * 1024 * 1024 + 17)
    const hash = createContentHash()
    const pieces = async function* () {
      for (let at = 0; at < data.length; at += 1_000_003) yield data.subarray(at, at + 1_000_003)
    }
    for await (const _ of hash.pass(pieces()));
    place.server.put('/j.bin', data)
    expect(hash.digest()).toBe(place.server.truth()['alice']!.files[0]!.contentHash)
  })
})

import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { kindOf, type StorageIo, type Upload } from '@asheville/core'
import { createHttp } from '@asheville/http-client'
import { startDropbox, type DropboxOptions } from '@asheville/simulators'
import { behindSimulator, bytesOf, describeStorage, paths, putOne, stored, tokenOf, uploadOf } from '@asheville/testkit'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { createContentHash } from './content-hash.ts'
import { dropbox } from './index.ts'

const { signal } = new AbortController()

/** A Dropbox of a person's own, and its storage. */
async function openDropbox(options: DropboxOptions = {}) {
  const server = await startDropbox({ commitMs: 1, ...options })
  const { http, hooks } = behindSimulator(server, (timeoutMs) => createHttp({ allow: ['127.0.0.0/8'], timeoutMs }))
  const { token, ...tokens } = tokenOf(server)
  const io: StorageIo = {
    http,
    token,
    server: null,
    fields: {},
    account: { id: server.account().id, handle: '' },
    variables: Object.fromEntries(['API', 'CONTENT', 'NOTIFY', 'WEB'].map((part) => [`DROPBOX_${part}_URL`, server.url])),
    now: () => new Date(),
  }
  return {
    server,
    hooks,
    close: hooks.close,
    io,
    storage: dropbox.open(io),
    ...tokens,
  }
}

describeStorage('dropbox', async () => {
  const place = await openDropbox()
  let wasHeldBack = false
  return {
    storage: place.storage,
    ...place.hooks,
    async killToken() {
      place.server.revokeTokens()
      return place.currentToken()
    },
    renewToken: place.renew,
    forgetCursors: () => place.server.resetCursors(),
    async fault(fault) {
      place.hooks.fault(null)
      // What was told to wait asks nothing before that is over.
      if (wasHeldBack) await new Promise((resolve) => setTimeout(resolve, 1100))
      wasHeldBack = fault === 'rate-limited'
      place.hooks.fault(fault)
    },
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

  test('access is given back with all that belongs to it, twice if need be, and not while it may still be renewed', async () => {
    const [login] = dropbox.logins
    if (login?.kind !== 'oauth2') throw new Error('no login')
    const client = { clientId: place.server.app.key, clientSecret: place.server.app.secret }
    const tokens = { ...place.server.issueTokens(), expiresAt: null }
    const revoke = () => login.revoke!(tokens, { ...place.io, client, signal })
    place.server.expireTokens()
    await expect(revoke()).rejects.toMatchObject({ kind: 'unavailable' })
    tokens.accessToken = place.currentToken()
    place.renew()
    tokens.accessToken = place.currentToken()
    for (const time of [1, 2]) {
      await revoke()
      expect(calls()).toBe(1 + time)
    }
    await expect(place.storage.stat('a.json', signal)).rejects.toMatchObject({ kind: 'reconnect-required' })
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

  test('a large file is sent beside what else is written, and committed in its turn', async () => {
    const data = randomBytes(9 * 1024 * 1024)
    const { promise: go, resolve } = Promise.withResolvers<undefined>()
    let reads = 0
    const slow: Upload = {
      ...uploadOf('l/large.bin', data),
      body: () => {
        reads += 1
        return Readable.from(
          (async function* () {
            yield data.subarray(0, 1000)
            await go
            yield data.subarray(1000)
          })(),
          { objectMode: false },
        )
      },
    }
    const large = putOne(place.storage, slow)
    await stored(place.storage, uploadOf('l/small.json', 'x'))
    resolve(undefined)
    expect(await large).toMatchObject({ outcome: 'stored' })
    expect({ reads, calls: calls() }).toEqual({ reads: 1, calls: 3 })
    expect(place.server.read('/l/large.bin').equals(data)).toBe(true)
  })

  test.each([
    ['the first part', 'upload_session/start', 1],
    ['the second', 'upload_session/append_v2', 1],
    ['the last', 'upload_session/append_v2', 2],
  ])('a large file goes on where it was when the answer to %s is lost', async (_, route, at) => {
    const upload = uploadOf('m/film.mp4', Buffer.alloc(66 * 1024 * 1024, randomBytes(1024 * 1024 + 1)))
    place.server.faults.add({ kind: 'reply-lost', route: `/2/files/${route}`, at })
    await stored(place.storage, upload)
    expect(place.server.truth()['alice']!.files).toMatchObject([{ path: '/m/film.mp4', sha256: upload.sha256 }])
    // What was lost with the answer to the first part is a session of which nobody knows.
    const isLost = route.endsWith('start')
    expect(place.server.counters.of('upload_session/start')).toBe(isLost ? 2 : 1)
    expect(place.server.openSessions()).toBe(isLost ? 1 : 0)
  })

  test.each(['Desktop.ini', '~$letter.docx', 'trailing ', 'del\u007f.json', `${'x'.repeat(256)}.json`])(
    '%j is no name at Dropbox: it is refused as such, and what comes with it is stored',
    async (name) => {
      const uploads = ['one.json', 'two.json', name, 'three.json'].map((path) => uploadOf(`n/${path}`, path))
      const results = await place.storage.put(uploads, signal)
      expect(results.map(({ outcome }) => outcome)).toEqual(['stored', 'stored', 'failed', 'stored'])
      expect(results[2]).toMatchObject({ error: { kind: 'invalid', message: 'Dropbox takes no file of this name' } })
      expect(await putOne(place.storage, uploads[2]!)).toMatchObject({ outcome: 'failed', error: { kind: 'invalid' } })
    },
  )

  test('what Dropbox has lost since it was sent can be sent again', async () => {
    await place.close()
    place = await openDropbox({ commitMs: 300 })
    const uploads = [1, 2, 3].map((index) => uploadOf(`o/${index}.json`, 'x'))
    const sending = place.storage.put(uploads, signal)
    while (place.server.counters.of('finish_batch_v2') === 0) await new Promise((resolve) => setImmediate(resolve))
    place.server.forgetSessions()
    for (const result of await sending) expect(result).toMatchObject({ outcome: 'failed', error: { kind: 'unavailable' } })
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

  test.each(['rate-limit', 'tagged'] as const)(
    'what others write into the account at the same time is waited for, not taken for ours (%s)',
    async (lockAnswer) => {
      await place.close()
      place = await openDropbox({ commitMs: 300, lockAnswer })
      const other = dropbox.open({ ...place.io, account: { id: 'another process', handle: '' } })
      const [one, two] = await Promise.all([
        putOne(place.storage, uploadOf('g/one.json', 'one')),
        putOne(other, uploadOf('g/two.json', 'two')),
      ])
      const outcomes = [one, two].map((result) => (result.outcome === 'failed' ? kindOf(result.error) : result.outcome))
      expect(outcomes.sort()).toEqual(['rate-limited', 'stored'])
    },
  )

  test('what others write is told, over as many pages as it takes; of a folder that is gone all may have changed', async () => {
    await place.close()
    place = await openDropbox({ pageSize: 3 })
    const { cursor } = await place.storage.changes!(null, signal)
    const theirs = Array.from({ length: 8 }, (_, index) => `h/by-hand-${index}.json`)
    for (const path of theirs) place.server.put(`/${path}`, 'mine')
    const news = await place.storage.changes!(cursor, signal)
    expect(news.paths).toEqual(theirs)
    place.server.remove('/h')
    expect((await place.storage.changes!(news.cursor, signal)).paths).toBe('all')
  })

  test('a cursor that is none of theirs is one that was forgotten', async () => {
    expect((await place.storage.changes!('made up', signal)).paths).toBe('all')
  })

  test('changes are waited for without a token, and not again before Dropbox wants to be asked', async () => {
    const { cursor } = await place.storage.changes!(null, signal)
    place.server.setBackoff(1)
    const waiting = place.storage.untilChange!(cursor, 60_000, signal)
    place.server.put('/k/by-hand.json', 'mine')
    expect(await waiting).toBe(true)
    await expect(place.storage.untilChange!(cursor, 60_000, signal)).rejects.toMatchObject({ kind: 'rate-limited' })
    // Only the waiting is to pause.
    expect((await place.storage.changes!(cursor, signal)).paths).toEqual(['k/by-hand.json'])
    await new Promise((resolve) => setTimeout(resolve, 1100))
    expect(await place.storage.untilChange!(cursor, 60_000, signal)).toBe(true)
    const { other, callers, routes } = place.server.counters.snapshot()
    expect(other).not.toHaveProperty('longpollsBeforeBackoff')
    expect(routes['POST /2/files/list_folder/longpoll']).toBe(2)
    expect(callers['anonymous']?.requests).toBe(2)
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

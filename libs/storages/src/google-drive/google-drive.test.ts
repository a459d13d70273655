import { randomBytes } from 'node:crypto'
import type { StorageIo, Upload } from '@asheville/core'
import { createHttp } from '@asheville/http-client'
import { startGoogleDrive, type GoogleDriveOptions } from '@asheville/simulators'
import { behindSimulator, describeStorage, paths, putOne, read, stored, tokenOf, uploadOf } from '@asheville/testkit'
import { afterEach, describe, expect, test } from '@jest/globals'
import { googleDrive } from './index.ts'
import { partBytes } from './send-in-parts.ts'

const { signal } = new AbortController()

/** A Google Drive of a person's own, and its storage. */
async function openDrive(options: GoogleDriveOptions = {}) {
  const server = await startGoogleDrive(options)
  const { http, hooks } = behindSimulator(server, (timeoutMs) => createHttp({ allow: ['127.0.0.0/8'], timeoutMs }))
  const { token, ...tokens } = tokenOf(server)
  const io: StorageIo = {
    http,
    token,
    server: null,
    fields: {},
    account: { id: server.account().id, handle: '' },
    variables: Object.fromEntries(['API', 'OAUTH', 'WEB'].map((part) => [`GOOGLE_DRIVE_${part}_URL`, server.url])),
    now: () => new Date(),
  }
  return {
    server,
    hooks,
    close: hooks.close,
    io,
    storage: googleDrive.open(io),
    ...tokens,
  }
}

describeStorage('google-drive', async () => {
  const place = await openDrive({ pageSize: 50 })
  return {
    storage: place.storage,
    ...place.hooks,
    async killToken() {
      place.server.revokeTokens()
      return place.currentToken()
    },
    renewToken: place.renew,
  }
})

describe('google-drive', () => {
  let place: Awaited<ReturnType<typeof openDrive>>
  const open = async (options?: GoogleDriveOptions) => (place = await openDrive(options))
  afterEach(() => place.close())
  const calls = () => place.server.counters.snapshot().total
  const files = () => place.server.truth()['alice']!.files.map(({ path }) => path)
  const anotherProcess = () => googleDrive.open(place.io)

  test('the account is told by an id that stays', async () => {
    await open()
    const { id, email } = place.server.account()
    expect(await googleDrive.account(place.io, signal)).toMatchObject({ id, handle: email })
  })

  test('access is given back, twice if need be, and in no address', async () => {
    await open()
    const [login] = googleDrive.logins
    if (login?.kind !== 'oauth2') throw new Error('no login')
    const { clientId, clientSecret } = place.server.app
    const tokens = { ...place.server.issueTokens(), expiresAt: null }
    for (const _ of [1, 2]) await login.revoke!(tokens, { ...place.io, client: { clientId, clientSecret }, signal })
    expect(place.server.liveGrants('alice')).toBe(0)
    await expect(place.storage.stat('a.json', signal)).rejects.toMatchObject({ kind: 'reconnect-required' })
    expect(place.server.counters.snapshot().other).not.toHaveProperty('tokensInAddresses')
  })

  test('a file is two calls, to look and to write, and each folder is made once', async () => {
    await open()
    await stored(place.storage, uploadOf('x/ann/posts/2024-01.json', '1'))
    const before = calls()
    const months = Array.from({ length: 9 }, (_, month) => uploadOf(`x/ann/posts/2024-${month + 10}.json`, `month ${month}`))
    await place.storage.put(months, signal)
    expect(calls() - before).toBe(18)
    expect(place.server.truth()['alice']!.folders).toEqual(['Asheville', 'Asheville/x', 'Asheville/x/ann', 'Asheville/x/ann/posts'])
  })

  test('what it needs to know of folders it asks for once', async () => {
    await open()
    await stored(place.storage, uploadOf('x/ann/posts/2024-01.json', '1'))
    const fresh = anotherProcess()
    const before = calls()
    for (const _ of [1, 2, 3]) expect(await fresh.stat('x/ann/posts/2024-01.json', signal)).not.toBeNull()
    expect(calls() - before).toBe(4)
  })

  test('our folder may be renamed and moved, and what is beside it is not seen', async () => {
    await open()
    await stored(place.storage, uploadOf('x/a.json', '1'))
    place.server.putOwn('Asheville', 'a file of that name')
    place.server.rename('Asheville', 'My copies')
    const fresh = anotherProcess()
    expect(await read(fresh, 'x/a.json')).toEqual(Buffer.from('1'))
    await stored(fresh, uploadOf('x/b.json', '2'))
    expect(files()).toEqual(['Asheville', 'My copies/x/a.json', 'My copies/x/b.json'])
    expect(await paths(fresh)).toEqual(['x/a.json', 'x/b.json'])
  })

  test.each(['trash', 'remove'] as const)('a folder that a person put away (%s) is made again', async (act) => {
    await open()
    const revision = await stored(place.storage, uploadOf('x/ann/a.json', '1'))
    place.server[act]('Asheville/x')
    expect(await place.storage.stat('x/ann/a.json', signal)).toBeNull()
    expect(await putOne(place.storage, uploadOf('x/ann/a.json', '2', revision))).toMatchObject({ outcome: 'conflict' })
    await stored(place.storage, uploadOf('x/ann/a.json', '3'))
    expect(files()).toEqual(['Asheville/x/ann/a.json'])
    expect(await read(place.storage, 'x/ann/a.json')).toEqual(Buffer.from('3'))
  })

  test('of several files or folders with one name the oldest counts, for every process', async () => {
    await open()
    const revision = await stored(place.storage, uploadOf('x/a.json', 'the first'))
    place.server.duplicate('Asheville/x/a.json', 'another')
    place.server.duplicate('Asheville/x', null)
    for (const storage of [place.storage, anotherProcess()]) {
      expect((await storage.stat('x/a.json', signal))?.revision).toBe(revision)
      expect(await paths(storage)).toEqual(['x/a.json'])
      const found = []
      for await (const file of storage.list('x', signal)) found.push(file.revision)
      expect(found).toEqual([revision])
    }
  })

  test('two processes that make the same folders agree on one of them', async () => {
    await open()
    const both = [place.storage, googleDrive.open({ ...place.io, account: { id: 'another process', handle: '' } })]
    await Promise.all(both.map((storage, index) => stored(storage, uploadOf(`x/ann/${index}.json`, 'x'))))
    for (const storage of both) expect(await paths(storage)).toEqual(['x/ann/0.json', 'x/ann/1.json'])
  })

  test('a file that is read is the version that was found, whatever is written meanwhile', async () => {
    await open()
    await stored(place.storage, uploadOf('a.json', 'the first'))
    place.server.faults.add({ kind: 'latency', ms: 200, route: 'GET /drive/v3/files/:id/revisions/:revision' })
    const reading = read(place.storage, 'a.json')
    while (place.server.counters.of('/revisions/') === 0) await new Promise((resolve) => setImmediate(resolve))
    place.server.edit('Asheville/a.json', 'the second, longer than the first')
    expect(await reading).toEqual(Buffer.from('the first'))
    expect(await read(place.storage, 'a.json')).toEqual(Buffer.from('the second, longer than the first'))
  })

  test.each([
    ['the beginning', 'POST /upload/drive/v3/files', 1, 'unavailable'],
    ['the first part', 'PUT /upload/drive/v3/files', 1, null],
    ['the last part', 'PUT /upload/drive/v3/files', 2, null],
  ])('a large file goes on where it was when the answer to %s is lost', async (_, route, at, kind) => {
    await open()
    await stored(place.storage, uploadOf('film/small.txt', 'x'))
    const data = Buffer.alloc(partBytes + 17, randomBytes(1024 * 1024 + 1))
    const upload = uploadOf('film/film.mp4', data)
    place.server.faults.add({ kind: 'reply-lost', route, at })
    const result = await putOne(place.storage, upload)
    if (kind !== null) return expect(result).toMatchObject({ outcome: 'failed', error: { kind } })
    expect(result.outcome).toBe('stored')
    expect(place.server.read('Asheville/film/film.mp4').equals(data)).toBe(true)
    expect(place.server.openSessions()).toBe(0)
    const lie: Upload = { ...uploadOf('film/lie.mp4', data), sha256: '0'.repeat(64) }
    expect(await putOne(place.storage, lie)).toMatchObject({ outcome: 'failed', error: { kind: 'invalid' } })
    expect(await paths(place.storage)).toEqual(['film/film.mp4', 'film/small.txt'])
  })

  test('what others change is told where that can be told, else all may have changed', async () => {
    await open({ pageSize: 3 })
    const names = Array.from({ length: 8 }, (_, index) => `h/${index}.json`)
    await place.storage.put(
      names.map((name) => uploadOf(name, 'x')),
      signal,
    )
    let { cursor } = await place.storage.changes!(null, signal)
    const news = async () => {
      const told = await place.storage.changes!(cursor, signal)
      cursor = told.cursor
      return told.paths
    }
    for (const name of names) place.server.edit(`Asheville/${name}`, 'by hand')
    expect(await news()).toEqual(names)
    expect(await news()).toEqual([])
    const acts = [
      () => place.server.rename('Asheville/h/0.json', 'other.json'),
      () => place.server.move('Asheville/h/1.json', ''),
      () => place.server.trash('Asheville/h/2.json'),
      () => place.server.remove('Asheville/h/3.json'),
      () => place.server.rename('Asheville/h', 'i'),
    ]
    for (const act of acts) {
      act()
      expect(await news()).toBe('all')
    }
    expect((await place.storage.changes!('made up', signal)).paths).toBe('all')
  })

  test('refusals are what their reasons say', async () => {
    await open()
    place.server.setRateLimit({ requests: 0, windowMs: 60_000 })
    await expect(place.storage.stat('a.json', signal)).rejects.toMatchObject({ kind: 'rate-limited', retryAfterMs: 1000 })
    place.server.setRateLimit(null)
    const declined = place.server.issueTokens({ scopes: ['openid'] }).accessToken
    const storage = googleDrive.open({ ...place.io, token: () => Promise.resolve(declined) })
    await expect(storage.stat('a.json', signal)).rejects.toMatchObject({ kind: 'reconnect-required' })
  })

  test('space is what Google tells; no limit is told as none', async () => {
    await open({ quotaBytes: 1000 })
    await stored(place.storage, uploadOf('a.json', 'x'.repeat(100)))
    expect(await place.storage.space!(signal)).toEqual({ used: 100, total: 1000 })
    place.server.setQuota(Infinity)
    expect(await place.storage.space!(signal)).toEqual({ used: 100, total: null })
  })

  test('where Google does not tell the hash of what arrived, its size has to do', async () => {
    await open({ tellsSha256: false })
    await stored(place.storage, uploadOf('a.json', 'x'))
    expect(await read(place.storage, 'a.json')).toEqual(Buffer.from('x'))
  })
})

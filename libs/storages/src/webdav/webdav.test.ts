import { randomBytes } from 'node:crypto'
import type { Fields, LoginIo, StorageIo, Upload } from '@asheville/core'
import { createHttp } from '@asheville/http-client'
import { startWebdav, type WebdavOptions } from '@asheville/simulators'
import { behindSimulator, bytesOf, describeStorage, stored, uploadOf } from '@asheville/testkit'
import { afterEach, describe, expect, test } from '@jest/globals'
import { chunkBytes } from './send-in-chunks.ts'
import { webdav } from './index.ts'

const { signal } = new AbortController()
const [login] = webdav.logins
if (login?.kind !== 'fields') throw new Error('no login')
const { signIn, approval, revoke } = login

/** A server and a person's folder on it, as signing in finds it. */
async function openWebdav(options: WebdavOptions = {}, typed: Fields = {}) {
  const server = await startWebdav(options)
  const { http, hooks } = behindSimulator(server, (timeoutMs) => createHttp({ allow: ['127.0.0.0/8'], timeoutMs }))
  const loginIo: LoginIo = { http, variables: {}, signal, now: () => new Date() }
  const { name: user, password } = server.account()
  const written = { address: options.nextcloud ? server.localUrl : `${server.url}/dav`, user, password, folder: 'Asheville', ...typed }
  const signedIn = await signIn(written, loginIo)
  let token = signedIn.tokens!.accessToken
  const io: StorageIo = {
    http,
    token: () => Promise.resolve(token),
    server: signedIn.server,
    fields: signedIn.fields,
    account: { id: 'alice', handle: '' },
    variables: {},
    now: () => new Date(),
  }
  server.counters.reset()
  return {
    server,
    hooks,
    close: hooks.close,
    io,
    loginIo,
    signedIn,
    storage: webdav.open(io),
    renew: () => {
      server.revokePasswords()
      token = `${user}:${server.makePassword()}`
    },
  }
}

const servers: Record<string, WebdavOptions> = {
  // As Apache's mod_dav.
  'a server that puts whole and heeds conditions': { weakSeconds: 1, davExtra: '<http://apache.org/dav/propset/fs/1>' },
  'a server that does neither, and takes names that look alike for one': { heedsConditions: false, putsWhole: false, foldsNames: true },
  'a server that heeds conditions and shows half a file': { putsWhole: false, tellsEtagOfPut: true },
  'a Nextcloud': { nextcloud: true },
}
const apache = servers['a server that puts whole and heeds conditions']!
for (const [title, options] of Object.entries(servers))
  describeStorage(`webdav, ${title},`, async () => {
    const place = await openWebdav(options)
    return {
      storage: place.storage,
      ...place.hooks,
      async killToken() {
        place.server.revokePasswords()
        return place.server.account().password
      },
      renewToken: place.renew,
    }
  })

describe('webdav', () => {
  let place: Awaited<ReturnType<typeof openWebdav>>
  const open = async (options?: WebdavOptions, typed?: Fields) => (place = await openWebdav(options, typed))
  afterEach(() => place.close())
  const calls = () => place.server.counters.snapshot().routes

  test('what a server can is found out when it is connected, and nothing of that is left', async () => {
    const found: unknown[] = []
    for (const options of Object.values(servers)) {
      await open(options)
      const { conditions, wholePuts } = place.signedIn.fields
      found.push([conditions, wholePuts, place.storage.can.conditional])
      expect(place.server.truth()['alice']).toMatchObject({ folders: ['Asheville'], files: [] })
      await place.close()
    }
    expect(found).toEqual([
      ['yes', 'yes', true],
      ['no', 'no', false],
      ['yes', 'no', true],
      ['yes', 'yes', true],
    ])
    await open()
  })

  test('of a Nextcloud any address will do, and the name by which somebody signs in is not the one in paths', async () => {
    for (const path of ['', '/', '/index.php/apps/files/', '/apps/dashboard', '/remote.php/dav/files/alice/', '/remote.php/webdav/']) {
      await open({ nextcloud: true })
      const { url } = place.server
      await place.close()
      await open({ nextcloud: true, port: Number(new URL(url).port) }, { address: url + path })
      expect(place.io).toMatchObject({ server: url, fields: { address: `${url}/remote.php/dav/files/alice/` } })
      await place.close()
    }
    await open({ nextcloud: true })
  })

  test('a Nextcloud asks the person itself; the app password that it makes is withdrawn again, and no other', async () => {
    await open({ nextcloud: true })
    const { server, loginIo } = place
    const fields = { address: `${server.url}/index.php/apps/files/`, user: '', password: '', folder: 'Asheville' }
    const { url, secret } = (await approval!.begin(fields, loginIo))!
    expect(await approval!.finish(secret, fields, loginIo)).toBeNull()
    const page = await fetch(url)
    expect(await page.text()).toContain('<b>Asheville</b>')
    const { name: user, password } = server.account()
    await fetch(url, { method: 'POST', body: new URLSearchParams({ user, password, decision: 'allow' }) })
    const given = (await approval!.finish(secret, fields, loginIo))!
    expect(given).toMatchObject({ server: server.url, fields: { user: 'alice', folder: 'Asheville', approved: 'yes' } })
    expect(given.tokens!.accessToken).not.toContain(password)
    // It is told once.
    expect(await approval!.finish(secret, fields, loginIo)).toBeNull()
    const storage = webdav.open({ ...place.io, ...given, token: () => Promise.resolve(given.tokens!.accessToken) })
    await stored(storage, uploadOf('a.json', 'x'))
    for (const _ of [1, 2]) await revoke!(given.tokens!, given, loginIo)
    await expect(storage.stat('a.json', signal)).rejects.toMatchObject({ kind: 'reconnect-required' })
    await revoke!(place.signedIn.tokens!, place.signedIn, loginIo)
    expect(await place.storage.stat('a.json', signal)).not.toBeNull()
  })

  test('a Nextcloud that takes itself for another server is not followed there; elsewhere a name and a password are asked for', async () => {
    await open({ nextcloud: true, publicUrl: 'https://elsewhere.example' })
    const fields = { address: place.server.localUrl, user: '', password: '', folder: 'Asheville' }
    await expect(approval!.begin(fields, place.loginIo)).rejects.toMatchObject({ kind: 'invalid', faults: [{ pointer: '/address' }] })
    await place.close()
    await open()
    const elsewhere = { ...fields, address: `${place.server.url}/dav` }
    expect(await approval!.begin(elsewhere, place.loginIo)).toBeNull()
    await expect(signIn(elsewhere, place.loginIo)).rejects.toMatchObject({ kind: 'invalid', faults: [{ pointer: '/user' }] })
  })

  test('a folder below that is not there yet is made, and is who this is', async () => {
    await open({}, { folder: '/Back ups/Asheville/' })
    expect(place.server.truth()['alice']?.folders).toEqual(['Back ups', 'Back ups/Asheville'])
    const id = `alice@${place.server.url}/dav/Back%20ups/Asheville/`
    expect(await webdav.account(place.io, signal)).toMatchObject({ id, handle: `alice@${new URL(place.server.url).host}` })
  })

  test.each<[string, Fields, string]>([
    ['password', { password: 'wrong' }, '/password'],
    ['user name', { user: 'a:b' }, '/user'],
    ['page', { address: '/none' }, '/address'],
    ['address with a password', { address: 'https://alice:secret@cloud.example' }, '/address'],
    ['file', { address: '/dav/file.txt' }, '/address'],
    ['place', { address: 'ftp://cloud.example' }, '/address'],
    ['private address', { address: 'http://10.0.0.1/' }, '/address'],
    ['folder', { folder: '../elsewhere' }, '/folder'],
  ])('a wrong %s is told at its field', async (_, typed, pointer) => {
    await open()
    place.server.put('file.txt', 'x')
    const address = typed['address']?.startsWith('/') ? place.server.url + typed['address'] : typed['address']
    const { name: user, password } = place.server.account()
    const written = { address: `${place.server.url}/dav/`, user, password, folder: 'Asheville', ...typed, ...(address && { address }) }
    await expect(signIn(written, place.loginIo)).rejects.toMatchObject({ kind: 'invalid', faults: [{ pointer }] })
  })

  test('a folder is made once, and again when somebody has removed it', async () => {
    await open(apache)
    const months = Array.from({ length: 12 }, (_, month) => uploadOf(`mastodon/ann/posts/2024-${month + 1}.json`, `month ${month}`))
    await place.storage.put(months, signal)
    // The folder itself, and three below it, of which the deepest was asked for first.
    expect(calls()).toMatchObject({ 'PUT /dav/*': 12, 'PROPFIND /dav/*': 3 })
    const made = calls()['MKCOL /dav/*']!
    expect(made).toBeLessThanOrEqual(7)
    await stored(place.storage, uploadOf('mastodon/ann/posts/2025-1.json', 'x'))
    expect(calls()['MKCOL /dav/*']).toBe(made)
    place.server.remove('Asheville/mastodon')
    await stored(place.storage, uploadOf('mastodon/ann/posts/2025-2.json', 'x'))
    expect(place.server.read('Asheville/mastodon/ann/posts/2025-2.json')?.toString()).toBe('x')
  })

  test('a server that tells the tag of what was put is not asked for it', async () => {
    await open({ ...apache, tellsEtagOfPut: true })
    await stored(place.storage, uploadOf('a.json', 'x'))
    expect(calls()).not.toHaveProperty('PROPFIND /dav/*')
  })

  test('what is locked by another program is tried again later', async () => {
    await open()
    place.server.lock('Asheville/a.json')
    const [result] = await place.storage.put([uploadOf('a.json', 'x')], signal)
    expect(result).toMatchObject({ outcome: 'failed', error: { kind: 'unavailable' } })
  })

  test('unfinished files of a server that shows them are no files', async () => {
    await open({ putsWhole: false })
    place.server.put('Asheville/.incoming/left-behind', 'half')
    const found: string[] = []
    for await (const { path } of place.storage.list('', signal)) found.push(path)
    expect(found).toEqual([])
    await expect(place.storage.stat('.incoming/left-behind', signal)).rejects.toMatchObject({ kind: 'invalid' })
  })

  test('space is what the quota leaves; where there is none, it is not told', async () => {
    await open({ quotaBytes: 1000 })
    await stored(place.storage, uploadOf('a.json', 'x'.repeat(100)))
    expect(await place.storage.space!(signal)).toEqual({ used: 100, total: 1000 })
    await place.close()
    await open({ quotaBytes: null, nextcloud: true })
    expect(await place.storage.space!(signal)).toEqual({ used: 0, total: null })
  })

  test('a large file goes to a Nextcloud in parts, under the same conditions', async () => {
    await open({ nextcloud: true })
    const data = Buffer.alloc(chunkBytes + 17, randomBytes(1024 * 1024 + 1))
    const first = await stored(place.storage, uploadOf('film.mp4', data))
    expect(calls()).toMatchObject({ 'PUT /remote.php/dav/uploads/*': 2 })
    const again = async (replaces: Upload['replaces']) =>
      (await place.storage.put([uploadOf('film.mp4', data, replaces)], signal))[0]?.outcome
    expect(await again(null)).toBe('conflict')
    expect(await again('"another"')).toBe('conflict')
    expect(await again(first)).toBe('stored')
    const got = await place.storage.get('film.mp4', { signal })
    if (got === null || got === 'unchanged') throw new Error('nothing came')
    expect((await bytesOf(got.body)).equals(data)).toBe(true)
    const lie: Upload = { ...uploadOf('other.mp4', data), sha256: '0'.repeat(64) }
    expect((await place.storage.put([lie], signal))[0]).toMatchObject({ outcome: 'failed', error: { kind: 'invalid' } })
    expect(place.server.read('Asheville/other.mp4')).toBeNull()
  })

  test('a list that holds a document type, or leads elsewhere, is not followed', async () => {
    await open()
    place.server.put('Asheville/a.json', 'x')
    place.server.put('elsewhere/b.json', 'x')
    const found: string[] = []
    for await (const { path } of place.storage.list('', signal)) found.push(path)
    expect(found).toEqual(['a.json'])
    place.server.faults.add({ kind: 'html' })
    await expect(place.storage.stat('a.json', signal)).rejects.toMatchObject({ kind: 'unavailable' })
  })
})

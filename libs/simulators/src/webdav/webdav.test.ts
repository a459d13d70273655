import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { XMLParser } from 'fast-xml-parser'
import { startWebdav, type WebdavOptions, type WebdavSimulator } from '../index.ts'

let server: WebdavSimulator
afterEach(() => server.close())

const basic = (user = 'alice', password = 'correct horse') => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

async function start(options: WebdavOptions = {}) {
  server = await startWebdav(options)
  const root = options.nextcloud ? '/remote.php/dav/files/alice' : '/dav'
  return (method: string, path: string, init: { headers?: Record<string, string>; body?: string } = {}) =>
    fetch(server.url + (path.startsWith('/remote.php') ? path : root + path), {
      method,
      ...init,
      headers: { authorization: basic(), ...init.headers },
    })
}
const etagOf = async (call: Awaited<ReturnType<typeof start>>, path: string) => (await call('HEAD', path)).headers.get('etag')!

async function properties(response: Response): Promise<Record<string, unknown>[]> {
  expect(response.status).toBe(207)
  const { multistatus } = new XMLParser({ removeNSPrefix: true, isArray: (name) => name === 'response' || name === 'propstat' }).parse(
    await response.text(),
  ) as { multistatus: { response: { href: string; propstat: { status: string; prop: object }[] }[] } }
  return multistatus.response.map(({ href, propstat }) => ({
    href,
    ...propstat.find(({ status }) => status.includes('200'))?.prop,
    missing: Object.keys(propstat.find(({ status }) => status.includes('404'))?.prop ?? {}),
  }))
}

describe('webdav', () => {
  test('who has no password comes nowhere', async () => {
    const call = await start()
    const refused = await call('PROPFIND', '/', { headers: { authorization: basic('alice', 'wrong'), depth: '0' } })
    expect(refused.status).toBe(401)
    expect(refused.headers.get('www-authenticate')).toMatch(/^Basic /)
    server.revokePasswords()
    expect((await call('GET', '/')).status).toBe(401)
  })

  test('folders are made one by one, and a file needs the one around it', async () => {
    const call = await start()
    expect((await call('PUT', '/a/file.txt', { body: 'x' })).status).toBe(409)
    expect((await call('MKCOL', '/a/b')).status).toBe(409)
    expect((await call('MKCOL', '/a')).status).toBe(201)
    expect((await call('MKCOL', '/a')).status).toBe(405)
    expect((await call('PUT', '/a/file.txt', { body: 'x' })).status).toBe(201)
    expect((await call('PUT', '/a/file.txt', { body: 'xy' })).status).toBe(204)
    expect((await call('PUT', '/a', { body: 'x' })).status).toBe(405)
    expect((await call('MKCOL', '/a/file.txt/b')).status).toBe(409)
    expect(await (await call('GET', '/a/file.txt')).text()).toBe('xy')
    expect(server.truth()['alice']).toMatchObject({ used: 2, folders: ['a'], files: [{ path: 'a/file.txt', bytes: 2 }] })
  })

  test('properties of a folder and what is in it; what it has not, 404; nothing of what lies deeper', async () => {
    const call = await start({ quotaBytes: 1000 })
    server.put('a b/ü&.txt', 'hello')
    server.put('a b/deep/x.txt', 'x')
    const body =
      '<?xml version="1.0"?><propfind xmlns="DAV:" xmlns:o="http://owncloud.org/ns"><prop><getetag/><getcontentlength/><resourcetype/><quota-available-bytes/><o:id/></prop></propfind>'
    const [folder, ...inside] = await properties(await call('PROPFIND', '/a%20b/', { body, headers: { depth: '1' } }))
    expect(folder).toMatchObject({ href: '/dav/a%20b/', resourcetype: { collection: '' }, 'quota-available-bytes': 994 })
    expect(inside).toMatchObject([
      { href: '/dav/a%20b/%C3%BC%26.txt', getcontentlength: 5, resourcetype: '', missing: ['quota-available-bytes', 'id'] },
      { href: '/dav/a%20b/deep/' },
    ])
    expect((await call('PROPFIND', '/', { body })).status).toBe(403)
    expect((await call('PROPFIND', '/none', { headers: { depth: '0' } })).status).toBe(404)
  })

  test('conditions about a file, and about another address', async () => {
    const call = await start()
    const put = (headers: Record<string, string>) => call('PUT', '/x', { body: 'x', headers }).then(({ status }) => status)
    expect(await put({ 'if-match': '"none"' })).toBe(412)
    expect(await put({ 'if-none-match': '*' })).toBe(201)
    expect(await put({ 'if-none-match': '*' })).toBe(412)
    const etag = await etagOf(call, '/x')
    expect(await put({ 'if-match': etag })).toBe(204)
    expect(await put({ 'if-match': etag })).toBe(412)
    const newer = await etagOf(call, '/x')
    expect(await put({ if: `([${etag}]) ([${newer}])` })).toBe(204)
    expect(await put({ if: `(<urn:no-such-lock>)` })).toBe(412)
    expect(await put({ if: `(Not <urn:no-such-lock>)` })).toBe(204)
    await call('PUT', '/new', { body: 'new' })
    const move = (headers: Record<string, string>) =>
      call('MOVE', '/new', { headers: { destination: `${server.url}/dav/x`, ...headers } }).then(({ status }) => status)
    expect(await move({ overwrite: 'F' })).toBe(412)
    expect(await move({ if: `<${server.url}/dav/x> ([${newer}])` })).toBe(412)
    expect(await move({ if: `<${server.url}/dav/x> ([${await etagOf(call, '/x')}])` })).toBe(204)
    expect(await (await call('GET', '/x')).text()).toBe('new')
    const read = await call('GET', '/x', { headers: { 'if-none-match': await etagOf(call, '/x') } })
    expect(read.status).toBe(304)
  })

  test('a server that heeds no conditions overwrites all the same', async () => {
    const call = await start({ heedsConditions: false })
    for (const status of [201, 204]) expect((await call('PUT', '/x', { body: 'x', headers: { 'if-none-match': '*' } })).status).toBe(status)
  })

  test('a weak tag never matches', async () => {
    const call = await start({ weakSeconds: 1 })
    await call('PUT', '/x', { body: 'x' })
    const etag = await etagOf(call, '/x')
    expect(etag).toMatch(/^W\//)
    expect((await call('PUT', '/x', { body: 'y', headers: { 'if-match': etag } })).status).toBe(412)
  })

  test('ranges', async () => {
    const call = await start()
    server.put('x', '0123456789')
    const range = async (range: string) => {
      const response = await call('GET', '/x', { headers: { range } })
      return [response.status, response.headers.get('content-range'), await response.text()]
    }
    expect(await range('bytes=2-4')).toEqual([206, 'bytes 2-4/10', '234'])
    expect(await range('bytes=8-')).toEqual([206, 'bytes 8-9/10', '89'])
    expect(await range('bytes=-3')).toEqual([206, 'bytes 7-9/10', '789'])
    expect((await range('bytes=10-')).slice(0, 2)).toEqual([416, 'bytes */10'])
  })

  test('what is full says so, what is locked as well', async () => {
    const call = await start()
    server.put('x', 'x')
    server.fill(3)
    expect((await call('PUT', '/y', { body: 'four' })).status).toBe(507)
    expect((await call('PUT', '/x', { body: 'four' })).status).toBe(204)
    server.free()
    server.lock('x')
    for (const method of ['PUT', 'DELETE']) expect((await call(method, '/x')).status).toBe(423)
    expect((await call('MOVE', '/x', { headers: { destination: '/dav/z' } })).status).toBe(423)
  })

  test.each([
    [true, null],
    [false, 100_000],
  ])('a body that breaks off, where files are put whole: %p', async (putsWhole, left) => {
    const call = await start({ putsWhole })
    const controller = new AbortController()
    const body = async function* () {
      yield Buffer.alloc(100_000)
      await new Promise((resolve) => setTimeout(resolve, 50))
      controller.abort()
    }
    const headers = { authorization: basic(), 'content-length': '200000' }
    const init = { method: 'PUT', headers, body: body(), duplex: 'half', signal: controller.signal } as unknown as RequestInit
    await expect(fetch(`${server.url}/dav/x`, init)).rejects.toThrow()
    const head = await call('HEAD', '/x')
    expect(head.status === 404 ? null : Number(head.headers.get('content-length'))).toBe(left)
  })

  test('names that look alike are one where they are folded, under the name that was first', async () => {
    const call = await start({ foldsNames: true })
    await call('PUT', '/Case.txt', { body: '1' })
    expect((await call('PUT', '/case.txt', { body: '2' })).status).toBe(204)
    expect(server.truth()['alice']?.files).toMatchObject([{ path: 'Case.txt' }])
  })

  test('what is kept in a folder is there at the next start', async () => {
    const keptIn = await mkdtemp(join(tmpdir(), 'asheville-webdav-'))
    try {
      const call = await start({ keptIn })
      await call('MKCOL', '/a')
      await call('PUT', '/a/x', { body: 'kept' })
      await call('MOVE', '/a', { headers: { destination: '/dav/b' } })
      await server.close()
      await start({ keptIn })
      expect(server.read('b/x')?.toString()).toBe('kept')
      expect(server.read('a/x')).toBeNull()
    } finally {
      await rm(keptIn, { recursive: true })
    }
  })
})

describe('a nextcloud', () => {
  test('says what it is, and who somebody is', async () => {
    await start({ nextcloud: true })
    expect(await (await fetch(`${server.url}/status.php`)).json()).toMatchObject({ productname: 'Nextcloud', installed: true })
    const user = (headers: Record<string, string>) => fetch(`${server.url}/ocs/v2.php/cloud/user?format=json`, { headers })
    expect((await user({ authorization: basic() })).status).toBe(412)
    const answer = await user({ authorization: basic(), 'ocs-apirequest': 'true' })
    expect(await answer.json()).toMatchObject({ ocs: { data: { id: 'alice' } } })
  })

  test('Login Flow v2 gives an app password once, when it was granted; it can be given back', async () => {
    const call = await start({ nextcloud: true })
    const begun = (await (
      await fetch(`${server.url}/index.php/login/v2`, { method: 'POST', headers: { 'user-agent': 'Test' } })
    ).json()) as {
      poll: { token: string; endpoint: string }
      login: string
    }
    const poll = () => fetch(begun.poll.endpoint, { method: 'POST', body: new URLSearchParams({ token: begun.poll.token }) })
    expect((await poll()).status).toBe(404)
    expect(await (await fetch(begun.login)).text()).toContain('Test')
    const grant = (password: string) =>
      fetch(begun.login, { method: 'POST', body: new URLSearchParams({ user: 'alice', password, decision: 'allow' }) })
    expect((await grant('wrong')).status).toBe(401)
    expect((await poll()).status).toBe(404)
    await grant('correct horse')
    const given = (await (await poll()).json()) as { server: string; loginName: string; appPassword: string }
    expect(given).toEqual({ server: server.url, loginName: 'alice', appPassword: expect.any(String) })
    expect((await poll()).status).toBe(404)
    const authorization = basic('alice', given.appPassword)
    expect((await call('PROPFIND', '/', { headers: { authorization, depth: '0' } })).status).toBe(207)
    const headers = { authorization, 'ocs-apirequest': 'true' }
    expect((await fetch(`${server.url}/ocs/v2.php/core/apppassword`, { method: 'DELETE', headers })).status).toBe(200)
    expect((await call('PROPFIND', '/', { headers: { authorization, depth: '0' } })).status).toBe(401)
  })

  test('a file is put together of parts in the order of their numbers', async () => {
    const call = await start({ nextcloud: true })
    const upload = '/remote.php/dav/uploads/alice/one'
    expect((await call('MKCOL', upload)).status).toBe(201)
    for (const [name, body] of Object.entries({ '00002': 'second', '00010': 'third', '00001': 'first ' }))
      expect((await call('PUT', `${upload}/${name}`, { body })).status).toBe(201)
    expect((await call('PUT', `${upload}/x`, { body: 'x' })).status).toBe(400)
    const destination = `${server.url}/remote.php/dav/files/alice/joined`
    const join = (headers: Record<string, string>) => call('MOVE', `${upload}/.file`, { headers: { destination, ...headers } })
    expect((await join({ 'oc-total-length': '7' })).status).toBe(400)
    expect((await join({ 'oc-total-length': '17' })).status).toBe(201)
    expect(server.read('joined')?.toString()).toBe('first secondthird')
    expect((await join({})).status).toBe(404)
  })

  test('a hash is computed of what arrives, where it is asked for', async () => {
    const call = await start({ nextcloud: true })
    const answer = await call('PUT', '/x', { body: '', headers: { 'x-hash': 'sha256', 'oc-checksum': 'SHA256:e3' } })
    expect(answer.headers.get('x-hash-sha256')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    expect((await call('HEAD', '/x')).headers.get('oc-checksum')).toBe('SHA256:e3')
  })
})

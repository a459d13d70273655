import { randomBytes } from 'node:crypto'
import type { Fields, LoginIo, StorageIo, Upload } from '@asheville/core'
import { createHttp } from '@asheville/http-client'
import { startS3, type S3Options } from '@asheville/simulators'
import { behindSimulator, bytesOf, describeStorage, stored, uploadOf } from '@asheville/testkit'
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { s3 } from './index.ts'

const { signal } = new AbortController()
const [login] = s3.logins
if (login?.kind !== 'fields') throw new Error('no login')
const { signIn } = login

/** A service and a person's place in a bucket of it, as signing in finds it. */
async function openS3(options: S3Options = {}, typed: Fields = {}) {
  const server = await startS3(options)
  const { port } = new URL(server.localUrl)
  // Where buckets are named by hosts, these lead here as well.
  const lookup = async () => [{ address: '127.0.0.1', family: 4 }]
  const allow = ['127.0.0.0/8', `s3.test:${port}`, `copies.s3.test:${port}`]
  const { http, hooks } = behindSimulator(server, (timeoutMs) => createHttp({ allow, timeoutMs, lookup }))
  const loginIo: LoginIo = { http, variables: {}, signal, now: () => new Date() }
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.keys
  const endpoint = options.publicUrl === undefined ? server.url : `${options.publicUrl}:${port}`
  const written = { endpoint, region: '', bucket: 'copies', folder: 'asheville', accessKey, secretKey, ...typed }
  const signedIn = await signIn(written, loginIo)
  let token = signedIn.tokens!.accessToken
  const io: StorageIo = {
    http,
    token: () => Promise.resolve(token),
    server: signedIn.server,
    fields: signedIn.fields,
    account: { id: `${endpoint}/copies/asheville`, handle: '' },
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
    written,
    storage: s3.open(io),
    setToken: (next: string) => void (token = next),
  }
}

const services: Record<string, S3Options> = {
  'a service with conditions': { pageSize: 100 },
  'a service without them': { conditions: 'refused', pageSize: 100 },
}
for (const [title, options] of Object.entries(services))
  describeStorage(`s3, ${title},`, async () => {
    const place = await openS3(options)
    return {
      storage: place.storage,
      ...place.hooks,
      async killToken() {
        place.server.revokeKeys()
        return place.server.keys.secretAccessKey
      },
    }
  })

describe('s3', () => {
  let place: Awaited<ReturnType<typeof openS3>>
  const open = async (options?: S3Options, typed?: Fields) => (place = await openS3(options, typed))
  afterEach(() => place.close())
  const calls = () => place.server.counters.snapshot().routes

  test('what the service can is found out when it is connected, and nothing of that is left', async () => {
    const found: unknown[] = []
    for (const conditions of ['heeded', 'refused', 'ignored'] as const) {
      await open({ conditions })
      found.push(place.storage.can.conditional)
      expect(place.server.truth()['copies']).toEqual({ objects: [], uploads: 0 })
      await place.close()
    }
    expect(found).toEqual([true, false, false])
    await open()
  })

  test('a region that is wrong is corrected', async () => {
    await open({ region: 'eu-central-1' }, { region: 'us-west-2' })
    expect(place.io.fields).toMatchObject({ region: 'eu-central-1' })
  })

  test('a bucket that is only named by its host is found there', async () => {
    await open({ onlyVirtualHosts: true, publicUrl: 'http://s3.test' })
    expect(place.io.fields).toMatchObject({ style: 'virtual' })
    await stored(place.storage, uploadOf('a.json', 'x'))
    expect(place.server.truth()['copies']?.objects).toMatchObject([{ key: 'asheville/a.json' }])
  })

  test('who this is names the folder in the bucket; that may be all of it', async () => {
    await open({}, { folder: '/back ups/mine/' })
    const { host } = new URL(place.server.url)
    const id = `${place.server.url}/copies/back ups/mine`
    expect(await s3.account(place.io, signal)).toMatchObject({ id, handle: `copies/back ups/mine at ${host}` })
    await place.close()
    await open({}, { folder: '' })
    await stored(place.storage, uploadOf('a.json', 'x'))
    expect(place.server.truth()['copies']?.objects).toMatchObject([{ key: 'a.json' }])
  })

  test.each<[string, Fields, string]>([
    ['secret key', { secretKey: 'wrong' }, '/secretKey'],
    ['access key', { accessKey: 'AKIANOBODY' }, '/secretKey'],
    ['bucket', { bucket: 'another' }, '/bucket'],
    ['name of a bucket', { bucket: 'a/b' }, '/bucket'],
    ['address with a password', { endpoint: 'https://key:secret@s3.example' }, '/endpoint'],
    ['private address', { endpoint: 'http://10.0.0.1' }, '/endpoint'],
    ['folder', { folder: '../elsewhere' }, '/folder'],
  ])('a wrong %s is told at its field', async (_, typed, pointer) => {
    await open()
    const refused = signIn({ ...place.written, ...typed }, place.loginIo)
    await expect(refused).rejects.toMatchObject({ kind: 'invalid', faults: [{ pointer }] })
  })

  test('a file is one request, which is signed with its hash; new keys are used at once', async () => {
    await open()
    await stored(place.storage, uploadOf('a.json', 'x'))
    expect(calls()).toEqual({ 'PUT /*': 1 })
    place.server.revokeKeys()
    const { secretAccessKey } = place.server.issueKeys()
    place.setToken(secretAccessKey)
    // The other half of the pair is another one too.
    const [result] = await place.storage.put([uploadOf('b.json', 'x')], signal)
    expect(result).toMatchObject({ outcome: 'failed', error: { kind: 'reconnect-required' } })
  })

  test('what the service fails with is told by our errors alone', async () => {
    await open()
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined)
    place.hooks.fault('server-error')
    const [result] = await place.storage.put([uploadOf('a.json', 'x')], signal)
    expect([result?.outcome, warn.mock.calls]).toEqual(['failed', []])
    warn.mockRestore()
  })

  test('a large file goes in parts, under the same conditions, and leaves none behind', async () => {
    await open()
    const data = Buffer.alloc(65 * 1024 * 1024, randomBytes(1024 * 1024 + 1))
    const again = async (upload: Upload) => (await place.storage.put([upload], signal))[0]?.outcome
    const first = await stored(place.storage, uploadOf('film.mp4', data))
    expect(calls()).toEqual({ 'POST /*': 2, 'PUT /*': 9 })
    expect((await place.storage.stat('film.mp4', signal))?.revision).toBe(first)
    expect(await again(uploadOf('film.mp4', data))).toBe('conflict')
    expect(await again({ ...uploadOf('other.mp4', data), sha256: '0'.repeat(64) })).toBe('failed')
    const [file, ...others] = place.server.truth()['copies']!.objects
    expect([file?.sha256, others, place.server.truth()['copies']?.uploads]).toEqual([uploadOf('', data).sha256, [], 0])
  })

  test('what others keep in the bucket, and folders of theirs, are none of ours', async () => {
    await open()
    place.server.put('elsewhere/x.json', 'x')
    place.server.put('asheville-too/x.json', 'x')
    place.server.put('asheville/', '')
    place.server.put('asheville/made by a tool/', '')
    await stored(place.storage, uploadOf('a.json', 'x'))
    const found: string[] = []
    for await (const { path } of place.storage.list('', signal)) found.push(path)
    expect(found).toEqual(['a.json'])
  })

  test('a version that is gone is a conflict', async () => {
    await open()
    const revision = await stored(place.storage, uploadOf('a.json', 'x'))
    place.server.remove('asheville/a.json')
    const [result] = await place.storage.put([uploadOf('a.json', 'y', revision)], signal)
    expect(result?.outcome).toBe('conflict')
    const got = await place.storage.get('a.json', { signal })
    expect(got).toBeNull()
    await stored(place.storage, uploadOf('b.json', 'hello'))
    const ranged = await place.storage.get('b.json', { range: { start: 1, end: 2 }, signal })
    if (ranged === null || ranged === 'unchanged') throw new Error('nothing came')
    expect((await bytesOf(ranged.body)).toString()).toBe('el')
  })
})

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { AshevilleError, type Item, type LoginIo, type PullIo } from '@asheville/core'
import { createHttp } from '@asheville/http-client'
import { oddDates, startFeeds, type FeedsSimulator } from '@asheville/simulators'
import { createReference, describeNetwork, faultAt, type NetworkWorld } from '@asheville/testkit'
import { entries } from './entries-stream.ts'
import { feeds } from './index.ts'

function worldOf(site: FeedsSimulator, path: string): NetworkWorld {
  const http = createHttp({ allow: ['127.0.0.0/8'], timeoutMs: 300 })
  const published = (count: number) => new Date(Date.parse('2023-01-01T00:00:00Z') + count * 3600_000)
  let count = 0
  let last = ''
  return {
    http,
    token: null,
    server: null,
    fields: { url: `${site.url}${path}` },
    streams: {
      entries: {
        many: 50,
        add(wanted) {
          for (let index = 0; index < wanted; index++) {
            last = site.addEntry({
              title: `Entry ${++count}`,
              published: published(count),
              ...(index % 4 === 0 && { pictures: 1, soundBytes: 20 }),
            })
          }
        },
        edit() {
          site.editEntry(last, { html: '<p>Better words</p>' })
          return last
        },
      },
    },
    signIn: { url: `${site.url}${path}` },
    fault: faultAt(site),
    close: async () => {
      await http.close()
      await site.close()
    },
  }
}

describe.each(['/rss.xml', '/atom.xml', '/feed.json'])('%s', (path) => {
  describeNetwork(feeds, { world: async () => worldOf(await startFeeds({ paged: true, window: 20 }), path) })
})

describe('a site', () => {
  let site: FeedsSimulator
  let http: ReturnType<typeof createHttp>
  beforeAll(async () => {
    site = await startFeeds({ window: 5 })
    http = createHttp({ allow: [new URL(site.url).host], timeoutMs: 1000 })
  })
  afterAll(async () => {
    await http.close()
    await site.close()
  })

  const loginIo = (): LoginIo => ({ http, variables: {}, signal: AbortSignal.timeout(5000), now: () => new Date() })
  const signIn = async (url: string) => {
    const [login] = feeds.logins
    if (login?.kind !== 'fields') throw new Error('Feeds have another login now')
    return login.signIn({ url }, loginIo())
  }
  const ioOf = (path: string): PullIo => ({
    ...loginIo(),
    token: () => Promise.reject(new Error('Feeds have no token')),
    server: null,
    fields: { url: `${site.url}${path}` },
    account: { id: `${site.url}${path}`, handle: '' },
    scratch: () => '',
  })
  const pull = async (path: string): Promise<Item[]> => (await createReference(entries).sync(ioOf(path))).items

  test.each([
    ['/', '/rss.xml'],
    ['/atom.xml', '/atom.xml'],
    ['/moved', '/rss.xml'],
    ['/wrong-type.xml', '/wrong-type.xml'],
    ['/latin1.xml', '/latin1.xml'],
  ])('signing in with %s finds %s', async (written, found) => {
    expect(await signIn(site.url + written)).toEqual({ tokens: null, server: null, fields: { url: site.url + found } })
  })

  test.each([
    ['/plain', /page names none/],
    ['/not-a-feed.xml', /no feed at this address/],
    ['/broken.xml', /broken/],
    ['/missing.xml', /nothing at this address/],
    ['/gone.xml', /nothing at this address/],
    ['/loop', /circles/],
  ])('signing in with %s says what is wrong at the field', async (path, message) => {
    const error = await signIn(site.url + path).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(AshevilleError)
    expect((error as AshevilleError).kind).toBe('invalid')
    expect((error as AshevilleError).faults).toEqual([{ pointer: '/url', message: expect.stringMatching(message) }])
  })

  test.each(['', 'no address', 'https://me:secret@example.org/feed', 'ftp://example.org/feed'])('%j is no address', async (written) => {
    const error = await signIn(written).catch((thrown: unknown) => thrown)
    expect((error as AshevilleError).faults).toMatchObject([{ pointer: '/url' }])
    expect(String(error)).not.toContain('secret')
  })

  test('says who it is', async () => {
    const { host } = new URL(site.url)
    expect(await feeds.account(ioOf('/rss.xml'))).toMatchObject({
      id: `${site.url}/rss.xml`,
      handle: `${host}/rss.xml`,
      title: 'A simulated site & more',
      declined: [],
    })
  })

  test('the same entry is the same item in every format, with its files byte for byte', async () => {
    site.addEntry({ title: 'With <files> & more', pictures: 2, soundBytes: 100, published: '2024-05-01T10:00:00Z', categories: ['Cats'] })
    const truth = site.truth().entries.at(0)!
    const [rss, atom, json] = await Promise.all(['/rss.xml', '/atom.xml', '/feed.json'].map(async (path) => (await pull(path))[0]!))
    for (const item of [rss, atom, json]) {
      expect(item).toMatchObject({ id: truth.id, at: '2024-05-01T10:00:00.000Z', object: { name: 'With <files> & more', url: truth.url } })
      expect(item!.object['tag']).toEqual([{ type: 'Object', name: 'Cats' }])
      const images = item!.media.filter(({ kind }) => kind === 'image')
      expect(images.map(({ url }) => url).sort()).toEqual(truth.pictures.map(({ url }) => url).sort())
      expect(item!.media.filter(({ kind }) => kind === 'audio')).toHaveLength(1)
      for (const { url, sha256 } of truth.pictures) {
        const bytes = new Uint8Array(await (await http.fetch(url)).arrayBuffer())
        expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256)
      }
    }
  })

  test.each(['/latin1.xml', '/latin1-declared.xml'])('%s is read in its own character set', async (path) => {
    const items = await pull(path)
    expect(JSON.stringify(items)).not.toContain('\ufffd')
    expect(JSON.stringify(items)).toMatch(/[äöüéñß]/)
  })

  test('odd entries are items all the same', async () => {
    const items = await pull('/odd.xml')
    expect(new Set(items.map(({ id }) => id)).size).toBe(items.length)
    const named = (name: string) => items.filter(({ object }) => object['name'] === name)
    for (const [index, [, moment]] of oddDates.entries()) expect([index, named(`Date ${index}`)[0]?.at]).toEqual([index, moment])
    expect(named('No guid')[0]?.id).toBe(`${site.url}/odd/no-guid`)
    expect(named('Guid is the link')[0]?.id).toBe(`${site.url}/odd/guid-link`)
    expect(named('Twins')).toHaveLength(1)
    const cdata = named('A <b>CDATA</b> title & ]]> more')[0]
    expect(cdata?.object['url']).toBe(`${site.url}/odd/cdata`)
    expect(cdata?.object['content'] ?? cdata?.object['summary']).toContain(`href="${site.url}/up?x=1&amp;y=2"`)
    expect(JSON.stringify(items.map(({ object }) => object))).not.toContain('javascript:')
    expect(items.filter(({ object }) => object['name'] === undefined)).not.toHaveLength(0)
    expect(await pull('/odd.xml')).toEqual(items)
  })

  test('an empty feed is one', async () => {
    expect(await pull('/empty.xml')).toEqual([])
  })

  test.each(['both', 'etag', 'last-modified', 'none'] as const)('with %s to ask by, nothing new is nothing', async (validators) => {
    site.setValidators(validators)
    const reference = createReference(entries)
    const id = site.addEntry({ title: 'First' })
    await reference.sync(ioOf('/rss.xml'))
    expect((await reference.sync(ioOf('/rss.xml'))).items).toEqual([])
    const next = site.addEntry({ title: 'Second' })
    expect((await reference.sync(ioOf('/rss.xml'))).items.map((item) => item.id)).toEqual([next])
    site.removeEntry(id)
    expect((await reference.sync(ioOf('/rss.xml'))).items.filter(({ object }) => object['name'] === 'Second')).toEqual([])
    site.setValidators('both')
  })

  test.each([
    ['/plain', 'invalid'],
    ['/gone.xml', 'invalid'],
    ['/broken.xml', 'unavailable'],
    ['/bomb.xml', 'invalid'],
  ])('a feed that has become %s is %s', async (path, kind) => {
    const error = await pull(path).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ kind })
  })

  test('a feed of which only a part came is asked for again, not taken for the whole', async () => {
    const fault = site.faults.add({ kind: 'truncated', afterBytes: 300 })
    for (const path of ['/rss.xml', '/atom.xml', '/feed.json']) {
      expect(await pull(path).catch((thrown: unknown) => thrown)).toMatchObject({ kind: 'unavailable' })
    }
    fault.remove()
  })
})

test('a feed without end is given up', async () => {
  const server = createServer((_request, response) => {
    const chunk = Buffer.alloc(1024 ** 2, ' ')
    const write = () => response.write(chunk, (error) => (error ? undefined : write()))
    write()
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const http = createHttp({ allow: [host] })
  const login = feeds.logins[0] as Extract<(typeof feeds.logins)[number], { kind: 'fields' }>
  const io = { http, variables: {}, signal: AbortSignal.timeout(10_000), now: () => new Date() }
  const error = await login.signIn({ url: `http://${host}/` }, io).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ kind: 'invalid', faults: [{ pointer: '/url', message: expect.stringContaining('larger') }] })
  await http.close()
  server.closeAllConnections()
  server.close()
})

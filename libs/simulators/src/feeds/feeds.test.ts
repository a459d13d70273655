import { afterEach, expect, test } from '@jest/globals'
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { sha256 } from '../kit/index.ts'
import { startFeeds } from './index.ts'
import type { FeedsOptions, FeedsSimulator } from './index.ts'

const open: FeedsSimulator[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((simulator) => simulator.close()))
})
async function start(options: FeedsOptions = {}) {
  const site = await startFeeds({ seed: 4, ...options })
  open.push(site)
  return {
    site,
    get: (path: string, headers: Record<string, string> = {}) =>
      fetch(path.startsWith('http') ? path : site.url + path, { headers, redirect: 'manual' }),
  }
}

type Item = Record<string, unknown>
const parser = new XMLParser({ ignoreAttributes: false, processEntities: true, isArray: (name) => name === 'item' || name === 'entry' })
const itemsOf = (xml: string): Item[] => {
  expect(XMLValidator.validate(xml)).toBe(true)
  const document = parser.parse(xml) as { rss?: { channel: { item?: Item[] } }; feed?: { entry?: Item[] } }
  return document.rss?.channel.item ?? document.feed?.entry ?? []
}

test('the same entries in three formats, hostile ones included, as well-formed documents', async () => {
  const { site, get } = await start()
  site.generate({ entries: 120, withPictures: true })
  site.addEntry({ html: '<p>]]> <script>alert(1)</script> \u202E</p>', title: ']]> & <b>' })
  const truth = site.truth().entries
  const rss = itemsOf(await (await get('/rss.xml')).text())
  const atom = itemsOf(await (await get('/atom.xml')).text())
  const json = (await (await get('/feed.json')).json()) as { version: string; items: { id: string; content_html: string }[] }
  expect(truth).toHaveLength(50)
  const ids = truth.map((entry) => entry.id)
  expect(rss.map((item) => (item.guid as { '#text': string })['#text'])).toEqual(ids)
  expect(atom.map((entry) => entry.id)).toEqual(ids)
  expect(json.items.map((item) => item.id)).toEqual(ids)
  const hostile = truth.findIndex((entry) => entry.html.includes(']]>'))
  expect(hostile).toBeGreaterThan(-1)
  expect(String(rss[hostile]!['content:encoded'])).toBe(truth[hostile]!.html)
})

test('pictures and sounds are there, with the hashes that the truth says', async () => {
  const { site, get } = await start()
  site.addEntry({ pictures: 2, soundBytes: 5000 })
  const [entry] = site.truth().entries
  for (const picture of entry!.pictures) expect(sha256(new Uint8Array(await (await get(picture.url)).arrayBuffer()))).toBe(picture.sha256)
  const [item] = itemsOf(await (await get('/rss.xml')).text())
  const enclosure = item!.enclosure as Record<string, string>
  expect((await (await get(enclosure['@_url']!)).arrayBuffer()).byteLength).toBe(Number(enclosure['@_length']))
})

test('conditional requests: 304 until something changes, by either validator', async () => {
  const { site, get } = await start()
  site.addEntry()
  const first = await get('/rss.xml')
  await first.text()
  const [etag, modified] = [first.headers.get('etag')!, first.headers.get('last-modified')!]
  expect((await get('/rss.xml', { 'if-none-match': `W/${etag}` })).status).toBe(304)
  expect((await get('/rss.xml', { 'if-modified-since': modified })).status).toBe(304)
  site.addEntry()
  expect((await get('/rss.xml', { 'if-none-match': etag, 'if-modified-since': modified })).status).toBe(200)
  site.setValidators('none')
  expect((await get('/rss.xml')).headers.get('etag')).toBeNull()
})

test('edits and removals show; a window drops the oldest; pages carry the rest', async () => {
  const { site, get } = await start({ window: 2, paged: true })
  const ids = [1, 2, 3].map((day) => site.addEntry({ title: `Day ${day}`, published: `2024-01-0${day}` }))
  site.editEntry(ids[2]!, { title: 'Changed' })
  site.removeEntry(ids[1]!)
  site.addEntry({ title: 'Newest' })
  const titles = async (path: string) => itemsOf(await (await get(path)).text()).map((item) => item.title)
  expect(await titles('/rss.xml')).toEqual(['Newest', 'Changed'])
  expect(await titles('/rss.xml?page=2')).toEqual(['Day 1'])
  expect(await (await get('/feed.json')).json()).toMatchObject({ next_url: `${site.url}/feed.json?page=2` })
  site.setGone(true)
  expect((await get('/atom.xml')).status).toBe(410)
})

test('the troubles: types, encodings, redirects, broken and missing documents', async () => {
  const { site, get } = await start()
  site.addEntry()
  expect((await get('/wrong-type.xml')).headers.get('content-type')).toBe('text/plain')
  expect((await get('/rss.xml', { 'accept-encoding': 'gzip' })).headers.get('content-encoding')).toBe('gzip')
  expect((await get('/rss.xml', { 'accept-encoding': 'identity' })).headers.get('content-encoding')).toBeNull()
  expect(Buffer.from(await (await get('/latin1.xml')).arrayBuffer()).toString('latin1')).toContain('Caf\u00e9')
  const status = async (path: string) => (await get(path)).status
  expect(await Promise.all(['/moved', '/temporary', '/hops/3', '/gone.xml', '/missing.xml', '/plain'].map(status))).toEqual([
    301, 302, 302, 410, 404, 200,
  ])
  expect(await (await fetch(`${site.url}/hops/3`)).text()).toContain('<rss')
  expect(XMLValidator.validate(await (await get('/broken.xml')).text())).not.toBe(true)
  expect(itemsOf(await (await get('/odd.xml')).text()).length).toBeGreaterThan(20)
  expect(await (await get('/')).text()).toMatch(/rel="alternate" type="application\/rss\+xml" href="\/rss.xml"/)
})

test('same seed, same content', async () => {
  const read = async () => {
    const { site } = await start()
    site.generate({ entries: 30, withPictures: true })
    return JSON.stringify(site.truth()).replaceAll(site.url, '')
  }
  expect(await read()).toBe(await read())
})

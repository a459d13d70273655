import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Item, Network, PullIo, Stream, Walk } from '@asheville/core'
import { fetchJson } from '@asheville/http-client'
import { encodePicture } from '@asheville/simulators'

/*
 * A network made for tests of the loop: a server that counts what is asked of it, and the adapter for it. Entries are numbers,
 * newest first; a page's mark is the last number on it.
 */

interface Reply {
  entries: number[]
  isLast: boolean
}

/** What is wrong with a picture. */
export type MediaFault = 'absent' | 'broken' | 'cut' | 'page' | 'slow'

/** What the next requests for pages get instead of a page; taken from the front. */
export type ScriptedFault = { status: number; headers?: Record<string, string> }

export async function startScroll({ count = 100, perPage = 20, latencyMs = 0, pictures = 0 } = {}) {
  const state = { count, perPage, latencyMs }
  /** How many entries an account has, where it is not `count`. */
  const countOf = new Map<string, number>()
  const gone = new Set<number>()
  const faults: ScriptedFault[] = []
  /** By the number of the entry. */
  const mediaFaults = new Map<number, MediaFault>()
  /** How often each page was delivered, by the mark before it. */
  const delivered = new Map<string, number>()
  const tally = { requests: 0, media: 0 }

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://scroll')
    const answer = async () => {
      tally.requests += 1
      if (url.pathname.startsWith('/media/')) {
        tally.media += 1
        const fault = mediaFaults.get(Number(/\d+/.exec(url.pathname)))
        const bytes = encodePicture({ format: 'png', width: 16, height: 16, seed: url.pathname })
        if (fault === 'absent') return void response.writeHead(404).end()
        if (fault === 'broken') return void response.writeHead(500).end()
        if (fault === 'page') return void response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Sign in</h1>')
        response.writeHead(200, { 'content-type': 'image/png', 'content-length': bytes.length })
        if (fault === 'cut') return void response.write(bytes.subarray(0, 100), () => response.destroy())
        if (fault === 'slow') return void response.write(bytes.subarray(0, 100))
        response.end(bytes)
        return
      }
      await delay(state.latencyMs)
      const fault = faults.shift()
      if (fault) {
        response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers }).end('{}')
        return
      }
      const newest = countOf.get(url.searchParams.get('name') ?? '') ?? state.count
      const before = Number(url.searchParams.get('before') ?? newest + 1)
      const after = Number(url.searchParams.get('after') ?? 0)
      const entries: number[] = []
      let number = Math.min(before, newest + 1) - 1
      for (; number > after && entries.length < state.perPage; number -= 1) if (!gone.has(number)) entries.push(number)
      const key = `${before}-${after}`
      delivered.set(key, (delivered.get(key) ?? 0) + 1)
      const body: Reply = { entries, isLast: number <= after }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    void answer()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  return {
    url,
    state,
    countOf,
    gone,
    faults,
    mediaFaults,
    delivered,
    tally,
    network: scrollNetwork(url, pictures),
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
export type Scroll = Awaited<ReturnType<typeof startScroll>>

interface Mark {
  before: number | null
  after: number
  head: number | null
}

/** The adapter. Every `pictures`-th entry has one (0: none). */
export function scrollNetwork(url: string, pictures = 0): Network {
  return {
    id: 'scroll',
    title: 'Scroll',
    description: '',
    website: url,
    variables: [],
    budgets: [],
    logins: [
      {
        kind: 'fields',
        fields: [{ name: 'name', label: 'Name', kind: 'text' }],
        signIn: (fields) => Promise.resolve({ tokens: null, server: url, fields }),
      },
    ],
    account: ({ fields }) => Promise.resolve({ id: fields['name'] ?? '', handle: 'scroller', title: 'Scroller', url: null, declined: [] }),
    streams: [
      {
        name: 'entries',
        version: 1,
        contentTypes: ['posts'],
        plan({ head, open, range }) {
          if (head === null) return Promise.resolve(open.length > 0 ? [] : [{ id: 'backfill', kind: 'backfill', range, cursor: null }])
          if (open.some(({ kind }) => kind === 'incremental')) return Promise.resolve([])
          const cursor = JSON.stringify({ before: null, after: Number(head), head: null } satisfies Mark)
          return Promise.resolve([{ id: 'incremental', kind: 'incremental', range, cursor }])
        },
        pages: (walk, io) => pages(url, pictures, walk, io),
      },
    ],
  }
}

/** The same network, with a history that is pulled in parts side by side: above the first of these numbers, from there down to above the next … */
export function inParts(network: Network, borders: readonly number[]): Network {
  const streams = network.streams.map((stream): Stream => ({
    ...stream,
    async plan(wanted, io) {
      const planned = await stream.plan(wanted, io)
      if (wanted.head !== null || planned.length === 0) return planned
      return [null, ...borders].map((border, index): Walk => {
        const mark: Mark = { before: border === null ? null : border + 1, after: borders[index] ?? 0, head: null }
        return { id: index === 0 ? 'backfill' : `backfill-${index}`, kind: 'backfill', range: wanted.range, cursor: JSON.stringify(mark) }
      })
    },
  }))
  return { ...network, streams }
}

async function* pages(url: string, pictures: number, walk: Walk, io: PullIo) {
  const mark: Mark = walk.cursor === null ? { before: null, after: 0, head: null } : (JSON.parse(walk.cursor) as Mark)
  const { after } = mark
  let { before, head } = mark
  for (;;) {
    const address = new URL('/page', url)
    address.searchParams.set('after', String(after))
    address.searchParams.set('name', io.account.id)
    if (before !== null) address.searchParams.set('before', String(before))
    const { body } = await fetchJson(io.http.fetch, address, { service: 'Scroll', signal: io.signal })
    const { entries, isLast } = body as Reply
    head ??= entries[0] ?? after
    before = entries.at(-1) ?? before
    const cursor = isLast ? null : JSON.stringify({ before, after, head } satisfies Mark)
    const items = entries.map((number) => itemOf(url, number, pictures))
    yield {
      items,
      gone: [],
      skipped: [],
      cursor,
      ...(walk.id === 'backfill' || (walk.kind === 'incremental' && isLast) ? { head: String(head) } : {}),
    }
    if (isLast) return
  }
}

function itemOf(url: string, number: number, pictures: number): Item {
  const id = `${url}/entries/${number}`
  // Some 80 a month.
  const at = new Date(Date.UTC(2015, 0, 1) + number * 9 * 3600_000).toISOString()
  const hasPicture = pictures > 0 && number % pictures === 0
  const media = hasPicture ? [{ url: `${url}/media/${number}.png`, kind: 'image' as const }] : []
  const attachment = media.map(({ url: source }) => ({ type: 'Image', url: source }))
  const object = { id, type: 'Note', content: `Entry ${number}`, published: at, ...(hasPicture && { attachment }) }
  return { id, contentType: 'posts', at, object, media, raw: { number } }
}

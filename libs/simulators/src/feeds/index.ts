import { gzipSync } from 'node:zlib'
import { createSimulator, sha256 } from '../kit/index.ts'
import type { Answer, Call, Handler, Simulator } from '../kit/index.ts'
import { contentTypes, renderFeed } from './formats.ts'
import type { FeedFormat } from './formats.ts'
import { brokenXml, entityBomb, latin1Rss, notAFeed, oddDates, oddRss } from './odd.ts'
import { createSite } from './site.ts'
import type { Site } from './site.ts'
import type { Entry, FeedsOptions, Validators } from './types.ts'
import { escapeXml } from '../kit/xml.ts'

export type { Enclosure, Entry, FeedsOptions, GenerateEntries, NewEntry, Validators } from './types.ts'
export { oddDates }

export type TrueEntry = {
  id: string
  url: string
  title: string | null
  html: string
  published: string
  updated: string
  pictures: { url: string; sha256: string; bytes: number }[]
}
export type FeedsTruth = { title: string; entries: TrueEntry[] }
export type FeedsSimulator = Omit<Simulator, 'truth'> &
  Site['script'] & {
    /** The entries that the feeds show now (all of them when paged), newest first. */
    truth(): FeedsTruth
    setValidators(validators: Validators): void
    /** Makes the three main feeds answer 410. */
    setGone(gone: boolean): void
  }

const paths: Record<FeedFormat, string> = { rss: '/rss.xml', atom: '/atom.xml', json: '/feed.json' }

/**
 * Starts a web site with feeds. `/` is a page that names them; `/rss.xml`, `/atom.xml` and `/feed.json` carry the same entries.
 * Trouble has addresses of its own: `/plain` (a page without feed), `/wrong-type.xml`, `/as-html.xml`, `/latin1.xml`, `/latin1-declared.xml`, `/odd.xml`,
 * `/empty.xml`, `/broken.xml`, `/not-a-feed.xml`, `/bomb.xml`, `/gone.xml`, `/missing.xml`, `/moved` (301), `/temporary` (302), `/hops/:n`, `/loop`.
 */
export async function startFeeds(options: FeedsOptions = {}): Promise<FeedsSimulator> {
  const now = options.now ?? Date.now
  const site = createSite(options, now)
  const title = options.title ?? 'A simulated site & more'
  const window = options.window ?? 50
  const state = { validators: options.validators ?? ('both' as Validators), gone: false }
  const own = {
    setValidators: (validators: Validators) => void (state.validators = validators),
    setGone: (gone: boolean) => void (state.gone = gone),
  }
  let origin = ''

  function truth(): FeedsTruth {
    return { title, entries: site.entries(0, options.paged ? site.count() : window).map((entry) => trueEntry(entry, origin, site)) }
  }
  function answerFeed(format: FeedFormat, call: Call): Answer {
    if (state.gone) return { status: 410, html: '<h1>410 Gone</h1>' }
    const page = options.paged ? Math.max(1, Number(call.query.get('page') ?? 1) || 1) : 1
    const path = paths[format]
    const nextPath = options.paged && page * window < site.count() ? `${path}?page=${page + 1}` : null
    const entries = site.entries((page - 1) * window, window)
    const selfPath = page === 1 ? path : `${path}?page=${page}`
    const body = renderFeed(format, { title, origin, selfPath, nextPath, updated: new Date(site.changedAt()), entries })
    return conditional(call, Buffer.from(body), contentTypes[format])
  }
  /** ETag and Last-Modified, 304 when the client has it already (RFC 9110, §13). */
  function conditional(call: Call, body: Buffer, type: string): Answer {
    const etag = `"${sha256(body).slice(0, 20)}"`
    const modified = new Date(site.changedAt())
    const headers: Record<string, string> = { 'cache-control': 'max-age=0' }
    if (state.validators === 'both' || state.validators === 'etag') headers.etag = etag
    if (state.validators === 'both' || state.validators === 'last-modified') headers['last-modified'] = modified.toUTCString()
    const wanted = call.headers['if-none-match']
    const since = call.headers['if-modified-since']
    const isSame =
      wanted !== undefined
        ? headers.etag !== undefined && wanted.split(/\s*,\s*/).some((tag) => tag.replace(/^W\//, '') === etag || tag === '*')
        : since !== undefined && headers['last-modified'] !== undefined && Math.floor(modified.getTime() / 1000) * 1000 <= Date.parse(since)
    return isSame ? { status: 304, headers } : squeezed(call, body, type, headers)
  }
  function squeezed(call: Call, body: Buffer, type: string, headers: Record<string, string> = {}): Answer {
    const isGzip = (options.gzip ?? true) && /\bgzip\b/.test(call.headers['accept-encoding'] ?? '')
    const extra: Record<string, string> = isGzip ? { 'content-encoding': 'gzip', vary: 'accept-encoding' } : {}
    return { bytes: isGzip ? gzipSync(body) : body, headers: { ...headers, ...extra, 'content-type': type } }
  }
  const fixed =
    (type: string, body: () => string | Buffer): Handler =>
    (call) =>
      squeezed(call, Buffer.from(body()), type)
  const mainRss = () =>
    renderFeed('rss', {
      title,
      origin,
      selfPath: '/rss.xml',
      nextPath: null,
      updated: new Date(site.changedAt()),
      entries: site.entries(0, window),
    })
  const redirect = (status: number, location: string): Answer => ({
    status,
    headers: { location },
    html: `<a href="${escapeXml(location)}">moved</a>`,
  })

  const simulator = await createSimulator(
    {
      name: 'feeds',
      rateLimited: () => ({ status: 429, html: '<h1>429 Too Many Requests</h1>' }),
      serverError: (status) => ({ status, html: `<h1>${status}</h1>` }),
      unauthorized: () => ({ status: 401, html: '<h1>401 Unauthorized</h1>', headers: { 'www-authenticate': 'Basic realm="site"' } }),
      notFound: () => ({ status: 404, html: '<h1>404 Not Found</h1>' }),
      truth,
      script: { ...site.script, ...own },
    },
    (add) => {
      add('GET', '/', (call) => squeezed(call, Buffer.from(homePage(title)), 'text/html; charset=utf-8'))
      for (const format of ['rss', 'atom', 'json'] as const) add('GET', paths[format], (call) => answerFeed(format, call))
      add(
        'GET',
        '/plain',
        fixed('text/html; charset=utf-8', () => '<!doctype html><title>Plain</title><p>No feed here, only a &lt;rss&gt; in words.</p>'),
      )
      add('GET', '/wrong-type.xml', fixed('text/plain', mainRss))
      add('GET', '/as-html.xml', fixed('text/html; charset=utf-8', mainRss))
      add(
        'GET',
        '/latin1.xml',
        fixed('application/rss+xml; charset=ISO-8859-1', () => latin1Rss(origin, false)),
      )
      add(
        'GET',
        '/latin1-declared.xml',
        fixed('application/xml', () => latin1Rss(origin, true)),
      )
      add(
        'GET',
        '/odd.xml',
        fixed('application/rss+xml', () => oddRss(origin)),
      )
      add(
        'GET',
        '/empty.xml',
        fixed('application/rss+xml', () => '<rss version="2.0"><channel><title>Empty</title><link>/</link><description/></channel></rss>'),
      )
      add(
        'GET',
        '/broken.xml',
        fixed('application/rss+xml', () => brokenXml),
      )
      add(
        'GET',
        '/not-a-feed.xml',
        fixed('application/xml', () => notAFeed),
      )
      add(
        'GET',
        '/bomb.xml',
        fixed('application/rss+xml', () => entityBomb),
      )
      add('GET', '/gone.xml', () => ({ status: 410, html: '<h1>410 Gone</h1>' }))
      add('GET', '/moved', () => redirect(301, '/rss.xml'))
      add('GET', '/temporary', () => redirect(302, `${origin}/rss.xml`))
      add('GET', '/hops/:n', ({ params }) => redirect(302, Number(params.n) > 1 ? `/hops/${Number(params.n) - 1}` : '/rss.xml'))
      add('GET', '/loop', () => redirect(302, '/loop'))
      add('GET', '/entries/:slug', ({ params }) => {
        const entry = site.bySlug(params.slug!)
        return entry
          ? { html: `<!doctype html><title>${escapeXml(entry.title ?? '')}</title><article>${entry.html}</article>` }
          : { status: 404, html: '<h1>404 Not Found</h1>' }
      })
      for (const folder of ['pictures', 'sounds']) {
        add('GET', `/${folder}/*`, ({ path }) => {
          const file = site.file(decodeURIComponent(path))
          return file ? { bytes: file.bytes, headers: { 'content-type': file.type } } : { status: 404, html: '<h1>404 Not Found</h1>' }
        })
      }
    },
    options,
  )
  origin = simulator.url
  return Object.assign(simulator, site.script, own, { truth })
}

function homePage(title: string): string {
  const link = (type: string, path: string, name: string) => `<link rel="alternate" type="${type}" href="${path}" title="${name}">`
  return (
    `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>${escapeXml(title)}</title><link rel="stylesheet" href="/none.css">` +
    link('application/rss+xml', '/rss.xml', 'RSS') +
    `<LINK href='atom.xml' type='application/atom+xml' rel='alternate'>` +
    link('application/feed+json', 'feed.json', 'JSON') +
    `</head><body><h1>${escapeXml(title)}</h1></body></html>`
  )
}

function trueEntry(entry: Entry, origin: string, site: Site): TrueEntry {
  const pictures = entry.pictures.map(({ path }) => {
    const bytes = site.file(path)?.bytes ?? Buffer.alloc(0)
    return { url: origin + path, sha256: sha256(bytes), bytes: bytes.length }
  })
  const { id, title, html } = entry
  return {
    id,
    url: `${origin}/entries/${entry.slug}`,
    title,
    html,
    published: entry.published.toISOString(),
    updated: entry.updated.toISOString(),
    pictures,
  }
}

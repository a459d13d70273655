import { cdata, element, escapeXml } from '../kit/xml.ts'
import type { Entry } from './types.ts'

export type FeedFormat = 'rss' | 'atom' | 'json'
/** What a document is made of. `origin` is the site's address; `nextPath` the next page's, if any. */
export type FeedParts = { title: string; origin: string; selfPath: string; nextPath: string | null; updated: Date; entries: Entry[] }

export const contentTypes: Record<FeedFormat, string> = {
  rss: 'application/rss+xml; charset=utf-8',
  atom: 'application/atom+xml; charset=utf-8',
  json: 'application/feed+json; charset=utf-8',
}

export function renderFeed(format: FeedFormat, parts: FeedParts): string {
  return { rss: renderRss, atom: renderAtom, json: renderJsonFeed }[format](parts)
}

const namespaces =
  'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:atom="http://www.w3.org/2005/Atom"' +
  ' xmlns:media="http://search.yahoo.com/mrss/" xmlns:georss="http://www.georss.org/georss"'

/** RSS 2.0 (rssboard.org/rss-specification) with the content, Media RSS, Dublin Core and GeoRSS modules. */
function renderRss({ title, origin, selfPath, nextPath, updated, entries }: FeedParts): string {
  const link = (rel: string, path: string | null) =>
    path === null ? '' : `<atom:link rel="${rel}" type="application/rss+xml" href="${escapeXml(origin + path)}"/>`
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" ${namespaces}><channel>${element('title', title)}<link>${origin}/</link>` +
    `<description>What happens on ${escapeXml(title)}</description><language>en</language><lastBuildDate>${updated.toUTCString()}</lastBuildDate><ttl>15</ttl>` +
    `${link('self', selfPath)}${link('next', nextPath)}${entries.map((entry) => rssItem(entry, origin)).join('\n')}</channel></rss>\n`
  )
}

function rssItem(entry: Entry, origin: string): string {
  const media = entry.pictures.map(
    (picture) =>
      `<media:content url="${origin}${picture.path}" medium="image" type="image/${picture.format}" width="${picture.width}" height="${picture.height}">` +
      `${element('media:description', picture.alt, ' type="plain"')}</media:content>`,
  )
  const enclosures = entry.enclosures.map(({ path, type, bytes }) => `<enclosure url="${origin}${path}" length="${bytes}" type="${type}"/>`)
  const place = entry.place
    ? `<georss:point>${entry.place.latitude} ${entry.place.longitude}</georss:point>${element('georss:featurename', entry.place.name)}`
    : ''
  return (
    `<item>${element('title', entry.title)}<link>${origin}/entries/${entry.slug}</link>${element('guid', entry.id, ' isPermaLink="false"')}` +
    `<pubDate>${entry.published.toUTCString()}</pubDate>${element('dc:creator', entry.author)}${entry.categories.map((name) => element('category', name)).join('')}` +
    `<description>${cdata(entry.html.slice(0, 200))}</description><content:encoded>${cdata(entry.html)}</content:encoded>${media.join('')}${enclosures.join('')}${place}</item>`
  )
}

/** Atom 1.0 (RFC 4287); content is escaped HTML, addresses in it are relative to `xml:base`. */
function renderAtom({ title, origin, selfPath, nextPath, updated, entries }: FeedParts): string {
  const next = nextPath === null ? '' : `<link rel="next" href="${escapeXml(nextPath)}"/>`
  return (
    `<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom" xmlns:georss="http://www.georss.org/georss" xml:base="${origin}/" xml:lang="en">` +
    `${element('title', title)}<id>${origin}/</id><updated>${updated.toISOString()}</updated><link rel="alternate" type="text/html" href="/"/>` +
    `<link rel="self" type="application/atom+xml" href="${escapeXml(selfPath)}"/>${next}${entries.map(atomEntry).join('\n')}</feed>\n`
  )
}

function atomEntry(entry: Entry): string {
  const enclosures = [
    ...entry.enclosures.map(({ path, type, bytes }) => `<link rel="enclosure" type="${type}" length="${bytes}" href="${path}"/>`),
    ...entry.pictures.map(
      (picture) =>
        `<link rel="enclosure" type="image/${picture.format}"${picture.alt === null ? '' : ` title="${escapeXml(picture.alt)}"`} href="${picture.path}"/>`,
    ),
  ]
  const place = entry.place ? `<georss:point>${entry.place.latitude} ${entry.place.longitude}</georss:point>` : ''
  return (
    `<entry xml:lang="${entry.language}">${entry.title === null ? '<title/>' : element('title', entry.title, ' type="text"')}${element('id', entry.id)}` +
    `<link rel="alternate" type="text/html" href="/entries/${entry.slug}"/><published>${entry.published.toISOString()}</published><updated>${entry.updated.toISOString()}</updated>` +
    `<author>${element('name', entry.author)}</author>${entry.categories.map((name) => `<category term="${escapeXml(name)}"/>`).join('')}` +
    `${element('content', entry.html, ' type="html"')}${enclosures.join('')}${place}</entry>`
  )
}

/** JSON Feed 1.1 (jsonfeed.org/version/1.1). */
function renderJsonFeed({ title, origin, selfPath, nextPath, entries }: FeedParts): string {
  const items = entries.map((entry) => ({
    id: entry.id,
    url: `${origin}/entries/${entry.slug}`,
    ...(entry.title === null ? {} : { title: entry.title }),
    content_html: entry.html.replaceAll('src="/', `src="${origin}/`),
    date_published: entry.published.toISOString(),
    ...(entry.updated > entry.published ? { date_modified: entry.updated.toISOString() } : {}),
    authors: [{ name: entry.author }],
    language: entry.language,
    tags: entry.categories,
    ...(entry.pictures[0] ? { image: origin + entry.pictures[0].path } : {}),
    attachments: [
      ...entry.pictures.map((picture) => ({
        url: origin + picture.path,
        mime_type: `image/${picture.format}`,
        ...(picture.alt === null ? {} : { title: picture.alt }),
      })),
      ...entry.enclosures.map(({ path, type, bytes }) => ({ url: origin + path, mime_type: type, size_in_bytes: bytes })),
    ],
  }))
  const next = nextPath === null ? {} : { next_url: origin + nextPath }
  return JSON.stringify({
    version: 'https://jsonfeed.org/version/1.1',
    title,
    home_page_url: `${origin}/`,
    feed_url: origin + selfPath,
    language: 'en',
    ...next,
    items,
  })
}

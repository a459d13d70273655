import { parseFeed, type AnyFeed, type AtomFeed, type JsonFeed, type MediaNs, type RdfFeed, type RssFeed } from 'feedsmith'
import { absolute, plainText } from './html.ts'

/** A file that an entry names; `isIllustration`: a picture of the entry rather than in it. */
export interface EntryFile {
  url: string
  mediaType?: string
  kind?: 'image' | 'video' | 'audio' | 'document'
  name?: string
  width?: number
  height?: number
  seconds?: number
  isIllustration?: boolean
}

/** An entry of any format; addresses absolute, texts as they came. */
export interface Entry {
  id: string | null
  url: string | null
  title: string | null
  summary: string | null
  content: { value: string; isHtml: boolean } | null
  /** What relative addresses in the content mean. */
  base: string
  published: string | null
  updated: string | null
  authors: { name: string; url: string | null }[]
  tags: string[]
  files: EntryFile[]
  raw: unknown
}

export interface Feed {
  title: string | null
  /** The page that the feed is of. */
  home: string | null
  /** Where older entries are (RFC 5005, JSON Feed's `next_url`). */
  next: string | null
  entries: Entry[]
}

/** A document as a feed; null when it is none. Throws when it is one, but broken or cut off. `url`: where it came from. */
export function readFeed(text: string, url: string): Feed | null {
  const parsed = parse(text)
  switch (parsed?.format) {
    case undefined:
      return null
    case 'rss': {
      const { feed } = parsed
      const base = baseOf(url, feed.xml?.base)
      const entries = (feed.items ?? []).map((item) => fromRss(item, baseOf(base, item.xml?.base)))
      return { title: plain(feed.title), home: absolute(feed.link, base), next: nextOf(feed.atom?.links, base), entries }
    }
    case 'rdf': {
      const { feed } = parsed
      const base = baseOf(url, feed.xml?.base)
      const entries = (feed.items ?? []).map((item) => fromRdf(item, baseOf(base, item.xml?.base)))
      return { title: plain(feed.title), home: absolute(feed.link, base), next: nextOf(feed.atom?.links, base), entries }
    }
    case 'atom': {
      const { feed } = parsed
      const base = baseOf(url, feed.xml?.base)
      const authors = (feed.authors ?? []).flatMap((author) => atomPerson(author, base))
      const entries = (feed.entries ?? []).map((entry) => fromAtom(entry, baseOf(base, entry.xml?.base), authors))
      return { title: atomText(feed.title), home: absolute(pageOf(feed.links), base), next: nextOf(feed.links, base), entries }
    }
    case 'json': {
      const { feed } = parsed
      const authors = (feed.authors ?? []).flatMap((author) => jsonPerson(author, url))
      const entries = (feed.items ?? []).map((item) => fromJson(item, url, authors))
      return { title: feed.title ?? null, home: absolute(feed.home_page_url, url), next: absolute(feed.next_url, url), entries }
    }
  }
}

function parse(text: string): AnyFeed | null {
  const root = /^\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--[^]*?-->\s*)*(\{|<((?:\w+:)?(?:rss|feed|RDF))\b)/.exec(text)
  // The parser is lenient: it would take the entries before the cut, and half of the one in it.
  if (root?.[2] && !new RegExp(`</${root[2]}\\s*>`).test(text.slice(-20_000))) throw new Error('The document is cut off')
  try {
    return parseFeed(text)
  } catch (error) {
    if (!root) return null
    throw error
  }
}

/** https://www.rssboard.org/rss-specification, with what is usual of Dublin Core, Media RSS and iTunes. */
function fromRss(item: RssFeed.Item<string>, base: string): Entry {
  const url = absolute(item.link, base) ?? (item.guid?.isPermaLink === false ? null : absolute(webAddress(item.guid?.value), base))
  const content = item.content?.encoded ?? null
  const people = item.authors?.length
    ? item.authors.map(({ name, email, link }) => ({ name: name ?? email, url: absolute(link, base) }))
    : null
  const named = [...(item.dc?.creators ?? []), ...(item.itunes?.author ? [item.itunes.author] : [])].map((name) => ({ name, url: null }))
  const enclosures = (item.enclosures ?? []).map(({ url: address, type }) => ({ url: address, mediaType: type }))
  return {
    id: item.guid?.value ?? null,
    url,
    title: plain(item.title),
    summary: content === null ? null : (item.description ?? null),
    content: htmlOf(content ?? item.description),
    base: item.xml?.base ? base : (url ?? base),
    published: instant(item.pubDate ?? item.dc?.dates?.[0] ?? item.dcterms?.created?.[0]),
    updated: instant(item.atom?.updated ?? item.dcterms?.modified?.[0]),
    authors: (people ?? named.slice(0, 1)).flatMap(({ name, url: page }) => (name ? [{ name, url: page }] : [])),
    tags: (item.categories ?? []).flatMap(({ name }) => name ?? []),
    files: filesOf([...withDuration(enclosures, item.itunes?.duration), ...mediaRss(item.media), illustration(item.itunes?.image)], base),
    raw: item,
  }
}

/** RSS 1.0: https://web.resource.org/rss/1.0/spec */
function fromRdf(item: RdfFeed.Item<string>, base: string): Entry {
  const url = absolute(item.link, base)
  const content = item.content?.encoded ?? null
  return {
    id: item.rdf?.about ?? null,
    url,
    title: plain(item.title),
    summary: content === null ? null : (item.description ?? null),
    content: htmlOf(content ?? item.description),
    base: item.xml?.base ? base : (url ?? base),
    published: instant(item.dc?.dates?.[0]),
    updated: instant(item.dcterms?.modified?.[0]),
    authors: (item.dc?.creators ?? []).map((name) => ({ name, url: null })),
    tags: item.dc?.subjects ?? [],
    files: filesOf(mediaRss(item.media), base),
    raw: item,
  }
}

/** RFC 4287. An entry's `updated` changes with each edit, so it says nothing of when it was published. */
function fromAtom(entry: AtomFeed.Entry<string>, base: string, authors: Entry['authors']): Entry {
  const url = absolute(pageOf(entry.links), base)
  const own = (entry.authors ?? []).flatMap((author) => atomPerson(author, base))
  const text = entry.content?.value === undefined ? null : { value: entry.content.value, isHtml: /html|xml/.test(entry.content.type ?? '') }
  const enclosures = (entry.links ?? []).filter(({ rel }) => rel === 'enclosure')
  return {
    id: entry.id ?? null,
    url,
    title: atomText(entry.title),
    summary: entry.summary?.value ?? null,
    content: text,
    base: entry.xml?.base ? base : (url ?? base),
    published: instant(entry.published),
    updated: instant(entry.updated),
    authors: own.length > 0 ? own : authors,
    tags: (entry.categories ?? []).flatMap(({ label, term }) => label ?? term ?? []),
    files: filesOf(
      [...enclosures.map(({ href, type, title }) => ({ url: href, mediaType: type, name: title })), ...mediaRss(entry.media)],
      base,
    ),
    raw: entry,
  }
}

/** https://www.jsonfeed.org/version/1.1/ */
function fromJson(item: JsonFeed.Item<string>, base: string, authors: Entry['authors']): Entry {
  const url = absolute(item.url ?? item.external_url, base)
  const own = (item.authors ?? []).flatMap((author) => jsonPerson(author, base))
  const attached = (item.attachments ?? []).map(({ url: address, mime_type: mediaType, title: name, duration_in_seconds: seconds }) => ({
    ...{ url: address, mediaType, name, seconds },
  }))
  return {
    id: item.id ?? null,
    url,
    title: item.title ?? null,
    summary: item.summary ?? null,
    content: item.content_html === undefined ? plainOf(item.content_text) : htmlOf(item.content_html),
    base: url ?? base,
    published: instant(item.date_published),
    updated: instant(item.date_modified),
    authors: own.length > 0 ? own : authors,
    tags: item.tags ?? [],
    files: filesOf([...attached, illustration(item.image), illustration(item.banner_image)], base),
    raw: item,
  }
}

type NamedFile = { [Key in keyof EntryFile]?: EntryFile[Key] | undefined }

/** https://www.rssboard.org/media-rss: of a group, whose contents are the same thing, the default or else the first. */
function mediaRss(media: MediaNs.ItemOrFeed | undefined): NamedFile[] {
  if (!media) return []
  const chosen = (media.groups ?? []).flatMap(({ contents = [] }) => contents.find(({ isDefault }) => isDefault) ?? contents[0] ?? [])
  const contents = [...(media.contents ?? []), ...chosen].map((content) => ({
    url: content.url,
    mediaType: content.type,
    kind: kinds[content.medium ?? ''],
    name: (content.description ?? content.title)?.value,
    width: content.width,
    height: content.height,
    seconds: content.duration,
  }))
  const thumbnails = [...(media.thumbnails ?? []), ...(media.groups ?? []).flatMap(({ thumbnails }) => thumbnails ?? [])]
  return contents.length > 0
    ? contents
    : thumbnails.slice(0, 1).map(({ url, width, height }) => ({ url, width, height, kind: 'image', isIllustration: true }))
}

const kinds: Record<string, EntryFile['kind']> = { image: 'image', video: 'video', audio: 'audio', document: 'document' }

function illustration(url: string | undefined): NamedFile {
  return { url, kind: 'image', isIllustration: true }
}

/** iTunes says how long the episode is, which is the first enclosure. */
function withDuration(files: NamedFile[], seconds: number | undefined): NamedFile[] {
  return files.map((file, index) => (index === 0 ? { ...file, seconds } : file))
}

function filesOf(files: NamedFile[], base: string): EntryFile[] {
  return files.flatMap(({ url, ...file }) => {
    const address = absolute(url, base)
    if (address === null) return []
    return [
      { ...(Object.fromEntries(Object.entries(file).filter(([, value]) => value !== undefined)) as Omit<EntryFile, 'url'>), url: address },
    ]
  })
}

interface AnyLink {
  href?: string
  rel?: string
  type?: string
}

function pageOf(links: readonly AnyLink[] | undefined): string | undefined {
  const pages = (links ?? []).filter(({ rel }) => rel === undefined || rel === 'alternate')
  return (pages.find(({ type }) => type === undefined || /html/.test(type)) ?? pages[0])?.href
}

function nextOf(links: readonly AnyLink[] | undefined, base: string): string | null {
  const link = (links ?? []).find(({ rel }) => rel === 'next') ?? (links ?? []).find(({ rel }) => rel === 'prev-archive')
  return absolute(link?.href, base)
}

function atomPerson({ name, uri }: { name?: string; uri?: string }, base: string) {
  return name ? [{ name, url: absolute(uri, base) }] : []
}

function jsonPerson({ name, url }: { name?: string; url?: string }, base: string) {
  return name ? [{ name, url: absolute(url, base) }] : []
}

function atomText(text: { value?: string; type?: string } | undefined): string | null {
  if (!text?.value) return null
  return /html/.test(text.type ?? '') ? plainText(text.value) : text.value
}

function plain(text: string | undefined): string | null {
  return text?.trim() || null
}

function htmlOf(value: string | null | undefined): Entry['content'] {
  return value ? { value, isHtml: true } : null
}

function plainOf(value: string | undefined): Entry['content'] {
  return value ? { value, isHtml: false } : null
}

function baseOf(outer: string, inner: string | undefined): string {
  return absolute(inner, outer) ?? outer
}

function webAddress(guid: string | undefined): string | undefined {
  return guid !== undefined && /^https?:/i.test(guid) ? guid : undefined
}

/** Dates without a zone are taken as UTC, so that they mean the same wherever this runs. Null for what is none. */
function instant(text: string | undefined): string | null {
  if (!text) return null
  const hasZone = /(?:[zZ]|[+-]\d\d:?\d\d|[A-Za-z]{1,4})$/.test(text.trim()) || !/\d:\d\d/.test(text)
  const iso = /^\d{4}-\d\d-\d\d/.test(text.trim())
  const date = new Date(hasZone ? text.trim() : `${text.trim()}${iso ? 'Z' : ' UTC'}`)
  return Number.isNaN(date.getTime()) || date.getUTCFullYear() < 1 || date.getUTCFullYear() > 9999 ? null : date.toISOString()
}

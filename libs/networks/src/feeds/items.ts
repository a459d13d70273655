import { createHash } from 'node:crypto'
import { AshevilleError, type AS2Object, type Item, type MediaSource, type SkippedItem } from '@asheville/core'
import type { Entry, EntryFile } from './entries.ts'
import { absolute, tagsOf, withAbsoluteLinks } from './html.ts'

/** The entries of one document as items, each id once. `feed`: the connection's id, for entries whose own id means nothing elsewhere. */
export function itemsOf(entries: readonly Entry[], feed: string): { items: Item[]; skipped: SkippedItem[] } {
  const items = new Map<string, Item>()
  const skipped: SkippedItem[] = []
  const uses = new Map<string, Set<string>>()
  for (const entry of entries) if (entry.id !== null) uses.set(entry.id, (uses.get(entry.id) ?? new Set()).add(namedBy(entry)))
  for (const entry of entries) {
    try {
      // An id that different entries have is no id.
      const isShared = entry.id !== null && (uses.get(entry.id)?.size ?? 0) > 1
      const item = itemOf(isShared ? { ...entry, id: null } : entry, feed)
      items.set(item.id, item)
    } catch (error) {
      skipped.push({ id: entry.id, reason: error instanceof AshevilleError ? error.message : 'The entry cannot be read' })
    }
  }
  return { items: [...items.values()], skipped }
}

function itemOf(entry: Entry, feed: string): Item {
  const id = idOf(entry, feed)
  const content = entry.content && {
    ...entry.content,
    value: entry.content.isHtml ? withAbsoluteLinks(entry.content.value, entry.base) : entry.content.value,
  }
  const files = unique([
    ...entry.files.filter(({ isIllustration }) => !isIllustration),
    ...(content?.isHtml ? picturesIn(content.value, entry.base) : []),
  ])
  const illustrations = unique(entry.files.filter(({ url, isIllustration }) => isIllustration && !files.some((file) => file.url === url)))
  const object: AS2Object = {
    id,
    type: 'Article',
    ...(entry.title && { name: entry.title }),
    ...(entry.url && { url: entry.url }),
    ...(entry.summary && { summary: withAbsoluteLinks(entry.summary, entry.base) }),
    ...(content && { content: content.value, ...(!content.isHtml && { mediaType: 'text/plain' }) }),
    ...(entry.published && { published: entry.published }),
    ...(entry.updated && entry.updated !== entry.published && { updated: entry.updated }),
    ...(entry.authors.length > 0 && {
      attributedTo: entry.authors.map(({ name, url }) => ({ type: 'Person', name, ...(url && { id: url, url }) })),
    }),
    ...(entry.tags.length > 0 && { tag: entry.tags.map((name) => ({ type: 'Object', name })) }),
    ...(files.length > 0 && { attachment: files.map(attachmentOf) }),
    ...(illustrations.length > 0 && { image: illustrations.map(attachmentOf) }),
  }
  const media = [...files, ...illustrations].map(sourceOf)
  return { id, contentType: 'articles', at: entry.published, object, media, raw: entry.raw }
}

/** Its own id if that means the same everywhere, else within the feed; else its address; else a hash of title and date. */
function idOf(entry: Entry, feed: string): string {
  const id = entry.id?.trim()
  if (id && /^[a-z][a-z0-9+.-]*:\S+$/i.test(id) && id.length <= 2000) return id
  if (id) return within(feed, id.length <= 500 ? encodeURIComponent(id) : short(id))
  if (entry.url !== null && entry.url.length <= 2000) return entry.url
  const named = namedBy({ ...entry, url: null })
  if (!named) throw new AshevilleError('invalid', 'The entry is empty')
  return within(feed, short(named))
}

function namedBy({ url, title, published, content, files }: Entry): string {
  return url ?? ([title, published].filter(Boolean).join('\n') || content?.value || files[0]?.url || '')
}

function within(feed: string, fragment: string): string {
  return `${feed.length <= 500 ? feed : `urn:sha256:${short(feed)}`}#${fragment}`
}

/** Pictures shown in the text, without those that only count readers. */
function picturesIn(html: string, base: string): EntryFile[] {
  return tagsOf(html).flatMap(({ name, attributes: { src, alt, width, height } }) => {
    const url = name === 'img' && width !== '1' && height !== '1' && width !== '0' ? absolute(src, base) : null
    return url === null ? [] : [{ url, kind: 'image' as const, ...(alt && { name: alt }) }]
  })
}

function unique(files: EntryFile[]): EntryFile[] {
  return [...new Map([...files].reverse().map((file) => [file.url, file])).values()].reverse()
}

const types = { image: 'Image', video: 'Video', audio: 'Audio', document: 'Document' } as const
const extensions: Record<string, keyof typeof types> = {
  ...{ jpg: 'image', jpeg: 'image', png: 'image', gif: 'image', webp: 'image', avif: 'image', svg: 'image' },
  ...{
    mp4: 'video',
    m4v: 'video',
    webm: 'video',
    mov: 'video',
    mp3: 'audio',
    m4a: 'audio',
    ogg: 'audio',
    opus: 'audio',
    wav: 'audio',
    flac: 'audio',
  },
}

function kindOf({ kind, mediaType, url }: EntryFile): keyof typeof types {
  const main = mediaType?.split('/')[0]?.toLowerCase()
  if (kind) return kind
  if (main === 'image' || main === 'video' || main === 'audio') return main
  return extensions[/\.([a-z0-9]+)$/i.exec(new URL(url).pathname)?.[1]?.toLowerCase() ?? ''] ?? 'document'
}

function attachmentOf(file: EntryFile) {
  const { url, mediaType, name, width, height, seconds } = file
  return {
    type: types[kindOf(file)],
    url,
    ...(mediaType && { mediaType }),
    ...(name && { name }),
    ...(width && height && { width, height }),
    ...(seconds && { duration: `PT${Math.round(seconds)}S` }),
  }
}

function sourceOf(file: EntryFile): MediaSource {
  return { url: file.url, kind: kindOf(file), ...(file.mediaType && { mediaType: file.mediaType }) }
}

function short(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}

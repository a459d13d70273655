import { createContent, createRandom, encodePicture, makePicture, mimeOf } from '../kit/index.ts'
import type { Content } from '../kit/index.ts'
import { escapeXml } from '../kit/xml.ts'
import type { Enclosure, Entry, EntryPicture, FeedsOptions, GenerateEntries, NewEntry } from './types.ts'

type Stored = { id: string; at: number; make: () => Entry }

/** The site's entries, newest first, and its files; generated entries are made when asked for. */
export function createSite(options: FeedsOptions, now: () => number) {
  const seed = options.seed ?? 1
  const given = new Map<string, { bytes: Buffer; type: string }>()
  let stored: Stored[] = []
  let [made, batches] = [0, 0]
  let changedAt = Date.parse('2024-01-01T00:00:00Z')

  function put(entry: Stored) {
    const at = stored.findIndex((one) => one.at <= entry.at)
    stored.splice(at === -1 ? stored.length : at, 0, entry)
    changedAt = Math.max(changedAt + 1000, now())
  }
  function pictureOf(name: string): EntryPicture {
    const picture = makePicture(name, options.pictureSize)
    return { ...picture, path: `/pictures/${name}.${picture.format}` }
  }
  function picturesFrom(wanted: NewEntry['pictures'], name: string): EntryPicture[] {
    if (wanted === undefined || typeof wanted === 'number') return Array.from({ length: wanted ?? 0 }, (_, i) => pictureOf(`${name}-${i}`))
    return wanted.map(({ bytes, type, alt }, i) => {
      const path = `/pictures/${name}-${i}.${type.split('/')[1] ?? 'bin'}`
      given.set(path, { bytes: Buffer.from(bytes), type })
      return { ...makePicture(`${name}-${i}`), path, alt: alt ?? null }
    })
  }
  function soundOf(name: string, bytes: number): Enclosure {
    const path = `/sounds/${name}.mp3`
    given.set(path, {
      bytes: Buffer.concat([Buffer.from('ID3\x04\0\0\0\0\0\0', 'latin1'), Buffer.alloc(Math.max(0, bytes - 10), name)]),
      type: 'audio/mpeg',
    })
    return { path, type: 'audio/mpeg', bytes: Math.max(10, bytes) }
  }

  const script = {
    /** Publishes an entry; returns its id. */
    addEntry(entry: NewEntry = {}): string {
      const number = made++
      const slug = `entry-${number}`
      const id = entry.id ?? `urn:entry:${seed}:${number}`
      const published = entry.published === undefined ? new Date(now()) : new Date(entry.published)
      const pictures = picturesFrom(entry.pictures, `p${number}`)
      const enclosures = entry.soundBytes === undefined ? [] : [soundOf(`s${number}`, entry.soundBytes)]
      const title = entry.title === undefined ? `Entry ${number}` : entry.title
      const html = entry.html ?? `<p>Text of entry ${number}.</p>${pictures.map(imageTag).join('')}`
      const whole: Entry = {
        id,
        slug,
        title,
        html,
        author: entry.author ?? 'Alice',
        published,
        updated: published,
        language: 'en',
        categories: entry.categories ?? [],
        pictures,
        enclosures,
        place: null,
      }
      put({ id, at: published.getTime(), make: () => whole })
      return id
    },
    editEntry(id: string, change: NewEntry): void {
      const found = stored.find((one) => one.id === id)
      if (!found) throw new Error(`no entry ${id}`)
      const old = found.make()
      const pictures = change.pictures === undefined ? old.pictures : picturesFrom(change.pictures, `${old.slug}-${changedAt}`)
      const { title = old.title, html = old.html, author = old.author, categories = old.categories } = change
      const fresh: Entry = { ...old, title, html, author, categories, pictures, updated: new Date(now()) }
      found.make = () => fresh
      changedAt = Math.max(changedAt + 1000, now())
    },
    removeEntry(id: string): void {
      if (!stored.some((one) => one.id === id)) throw new Error(`no entry ${id}`)
      stored = stored.filter((one) => one.id !== id)
      changedAt = Math.max(changedAt + 1000, now())
    },
    /** Publishes generated entries spread evenly between two moments. Same seed, same content. */
    generate(wanted: GenerateEntries = {}): void {
      const count = wanted.entries ?? 20
      const from = new Date(wanted.from ?? '2022-01-01T00:00:00Z').getTime()
      const to = new Date(wanted.to ?? '2023-12-31T00:00:00Z').getTime()
      const name = `${wanted.seed ?? seed}-g${batches++}`
      const rate = wanted.withPictures === true ? 0.4 : Number(wanted.withPictures ?? 0)
      const content = createContent(name, { pictureRate: rate, longText: 100_000 })
      const fresh = Array.from({ length: count }, (_, i): Stored => {
        const at = Math.floor((from + ((to - from) * i) / Math.max(1, count)) / 1000) * 1000
        return { id: `urn:entry:${name}:${i}`, at, make: () => generated(name, i, at, content, pictureOf) }
      })
      stored = [...stored, ...fresh.reverse()].sort((a, b) => b.at - a.at)
    },
  }

  return {
    script,
    count: () => stored.length,
    changedAt: () => changedAt,
    /** Entries newest first, from `offset`. */
    entries: (offset: number, many: number): Entry[] => stored.slice(offset, offset + many).map((one) => one.make()),
    bySlug: (slug: string) => stored.map((one) => one.make()).find((entry) => entry.slug === slug) ?? null,
    /** A picture or sound by its path; null: none. Generated pictures follow from their name. */
    file(path: string): { bytes: Buffer; type: string } | null {
      const known = given.get(path)
      if (known) return known
      const [, name, format] = /^\/pictures\/([\w.-]+)\.(png|jpeg)$/.exec(path) ?? []
      if (name === undefined) return null
      const picture = pictureOf(name)
      return picture.format === format ? { bytes: encodePicture(picture), type: mimeOf(picture.format) } : null
    },
  }
}
export type Site = ReturnType<typeof createSite>

function generated(name: string, index: number, at: number, content: Content, pictureOf: (name: string) => EntryPicture): Entry {
  const post = content.post(index)
  const person = content.person(createRandom(name, 'author', index).int(0, 3))
  const pictures = post.pictures.map((_, i) => pictureOf(`${name}-${index}-${i}`))
  // Half of the hostile entries carry their markup as it is: feeds may.
  const text = post.kind === 'hostile' && index % 2 === 0 ? post.text : escapeXml(post.text).replaceAll('\n', '<br/>')
  const link = post.link === null ? '' : ` <a href="${escapeXml(post.link)}">more</a>`
  return {
    id: `urn:entry:${name}:${index}`,
    slug: `${name}-${index}`,
    title: index % 9 === 4 ? null : post.text.slice(0, 60),
    html: `<p>${text}${link}</p>${pictures.map(imageTag).join('')}`,
    author: person.displayName,
    published: new Date(at),
    updated: new Date(at),
    language: post.language,
    categories: post.hashtags,
    pictures,
    enclosures: [],
    place: post.place,
  }
}

function imageTag(picture: EntryPicture): string {
  return `<img src="${picture.path}" alt="${escapeXml(picture.alt ?? '')}" width="${picture.width}" height="${picture.height}">`
}

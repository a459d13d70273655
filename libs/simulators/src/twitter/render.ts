import { createRandom } from '../kit/index.ts'
import type { MediaRecord, Post } from './records.ts'
import type { World } from './world.ts'

type Indices = { start: number; end: number }
type UrlEntity = Indices & { url: string; expanded_url: string; display_url: string; media_key?: string }
export type Entities = {
  urls?: UrlEntity[]
  mentions?: (Indices & { username: string; id: string })[]
  hashtags?: (Indices & { tag: string })[]
}
export type Rendered = { text: string; entities: Entities | null }

const parts = /https?:\/\/[^\s]+|(?<![\w@])@\w{1,15}(?!\w)|(?<![\p{L}\p{N}_&])#[\p{L}\p{M}\p{N}_]*[\p{L}\p{M}_][\p{L}\p{M}\p{N}_]*/gu
const lengthOf = (text: string) => [...text].length
const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** The links of a text, as they were typed. */
export const linksIn = (text: string): string[] => [...text.matchAll(parts)].map(([part]) => part).filter((part) => part.startsWith('http'))

/** How X counts: links as 23, most scripts as one a character, others as two (docs.x.com: counting characters). */
export function weightOf(text: string): number {
  let weight = 0
  for (const piece of text.replace(/https?:\/\/[^\s]+/g, 'x'.repeat(23))) {
    const code = piece.codePointAt(0)!
    weight +=
      code <= 0x10ff || (code >= 0x2000 && code <= 0x200d) || (code >= 0x2010 && code <= 0x201f) || (code >= 0x2032 && code <= 0x2037)
        ? 1
        : 2
  }
  return weight
}
export const isLong = (post: Post): boolean => weightOf(post.text) > 280

/** Where a person finds a post. */
export const addressOf = (post: Post): string => `https://x.com/${post.author.username}/status/${post.id}`
const photoOf = (post: Post, media: MediaRecord) => `${addressOf(post)}/${media.type === 'photo' ? 'photo' : 'video'}/1`

/** Turns what people typed into what the API says: links shortened, `&<>` escaped, places of entities counted in code points. */
export function createRenderer(world: World) {
  const shorten = (url: string) => {
    const random = createRandom('t.co', url)
    return `https://t.co/${Array.from({ length: 10 }, () => random.pick([...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'])).join('')}`
  }
  const displayed = (url: string) => {
    const bare = url.replace(/^https?:\/\/(www\.)?/, '')
    return lengthOf(bare) > 27 ? `${[...bare].slice(0, 26).join('')}…` : bare
  }

  function createWriter() {
    let text = ''
    let at = 0
    const entities = {
      urls: [] as UrlEntity[],
      mentions: [] as NonNullable<Entities['mentions']>,
      hashtags: [] as NonNullable<Entities['hashtags']>,
    }
    const write = (piece: string): Indices => {
      const start = at
      text += piece
      at += lengthOf(piece)
      return { start, end: at }
    }
    return {
      write,
      link(url: string, more: { media_key?: string }[] = [{}]) {
        const tco = shorten(url)
        const place = write(tco)
        for (const one of more) entities.urls.push({ ...place, url: tco, expanded_url: url, display_url: displayed(url), ...one })
      },
      typed(typed: string) {
        let last = 0
        for (const found of typed.matchAll(parts)) {
          write(escaped(typed.slice(last, found.index)))
          const [part] = found
          last = found.index + part.length
          if (part.startsWith('http')) this.link(part)
          else if (part.startsWith('#')) entities.hashtags.push({ ...write(part), tag: part.slice(1) })
          else {
            const account = world.byHandle.get(part.slice(1).toLowerCase())
            const place = write(part)
            if (account) entities.mentions.push({ ...place, username: part.slice(1), id: account.id })
          }
        }
        write(escaped(typed.slice(last)))
      },
      done(): Rendered {
        const found = Object.fromEntries(Object.entries(entities).filter(([, list]) => list.length > 0)) as Entities
        return { text, entities: Object.keys(found).length > 0 ? found : null }
      },
      isEmpty: () => at === 0,
    }
  }

  function render(post: Post): Rendered {
    if (post.retweetOf !== null) return renderRetweet(post)
    const writer = createWriter()
    if (isLong(post)) {
      writer.typed(cutAt(post.text, 254))
      writer.write('… ')
      writer.link(`https://x.com/i/web/status/${post.id}`)
    } else writer.typed(post.text)
    const quoted = post.quoteOf === null ? undefined : world.posts.get(post.quoteOf)
    const addLink = (url: string, more?: { media_key: string }[]) => {
      if (!writer.isEmpty()) writer.write(' ')
      writer.link(url, more)
    }
    if (quoted) addLink(addressOf(quoted))
    const [first] = post.media
    if (first)
      addLink(
        photoOf(post, first),
        post.media.map(({ key }) => ({ media_key: key })),
      )
    return writer.done()
  }

  /** A retweet's text is the original's after `RT @handle: `, cut at 140 characters. */
  function renderRetweet(post: Post): Rendered {
    const original = world.posts.get(post.retweetOf!)!
    const inner = render(original)
    const { id, username } = original.author
    const prefix = `RT @${username}: `
    const shift = lengthOf(prefix)
    const whole = [...(prefix + inner.text)]
    const text = whole.length > 140 ? `${whole.slice(0, 139).join('')}…` : whole.join('')
    const limit = whole.length > 140 ? 139 : 140
    const moved = <T extends Indices>(list: T[] = []) =>
      list.map((one) => ({ ...one, start: one.start + shift, end: one.end + shift })).filter(({ end }) => end <= limit)
    const lists = {
      urls: moved(inner.entities?.urls),
      mentions: [{ start: 3, end: 4 + lengthOf(username), username, id }, ...moved(inner.entities?.mentions)],
      hashtags: moved(inner.entities?.hashtags),
    }
    return { text, entities: Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0)) }
  }

  return {
    render,
    /** The whole of a long post; null for others. */
    note(post: Post): Rendered | null {
      if (post.retweetOf !== null || !isLong(post)) return null
      const writer = createWriter()
      writer.typed(post.text)
      return writer.done()
    },
    /** The link in a profile. */
    profileLink(url: string): UrlEntity {
      const tco = shorten(url)
      return { start: 0, end: lengthOf(tco), url: tco, expanded_url: url, display_url: displayed(url) }
    },
  }
}
export type Renderer = ReturnType<typeof createRenderer>

/** The beginning of a text up to a weight, at the end of a word, with no link cut in two. */
function cutAt(text: string, weight: number): string {
  let cut = ''
  for (const word of text.split(/(?<=\s)/)) {
    if (weightOf(cut + word) > weight) break
    cut += word
  }
  if (cut === '') for (const piece of text) if (weightOf(cut + piece) <= weight) cut += piece
  return cut.trimEnd()
}

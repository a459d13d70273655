import { createRandom } from './random.ts'
import type { Random } from './random.ts'
import { eastAsian, emoji, hashtags, hostile, people, places, plain, pollQuestions, rightToLeft, warnings } from './corpus.ts'
import type { PictureFormat, PictureSpec } from './pictures.ts'

export type PostKind = 'plain' | 'right-to-left' | 'east-asian' | 'emoji' | 'hostile' | 'long'
export type Place = { name: string; country: string; latitude: number; longitude: number }
export type PostPicture = PictureSpec & { alt: string | null }
/** One generated post before a vendor's simulator gives it its own shape. `text` is plain text, never markup. */
export type GeneratedPost = {
  kind: PostKind
  text: string
  language: string
  hashtags: string[]
  link: string | null
  /** Index into `person()` of somebody the post speaks to. */
  mentions: number | null
  poll: string[] | null
  place: Place | null
  /** Whether the post answers the one generated just before it. */
  continuesThread: boolean
  warning: string | null
  pictures: PostPicture[]
}
export type Person = { index: number; username: string; displayName: string; about: string }
export type ContentOptions = {
  /** Share of posts with pictures, 0 to 1. */
  pictureRate?: number
  /** Longest text of a `long` post, in characters. */
  longText?: number
  /** Fixed picture size in pixels; else small sizes that vary. */
  pictureSize?: { width: number; height: number }
}
export interface Content {
  post(index: number): GeneratedPost
  person(index: number): Person
}

/** Posts and people computed from (seed, index) alone: nothing is kept, any index costs the same, the same seed says the same. */
export function createContent(seed: string | number, options: ContentOptions = {}): Content {
  return {
    post: (index) => makePost(createRandom(seed, 'post', index), `${seed}-${index}`, index, options),
    person: (index) => {
      const random = createRandom(seed, 'person', index)
      const [username, displayName] = people[index % people.length]!
      const round = Math.floor(index / people.length)
      return { index, username: round === 0 ? username : `${username}${round}`, displayName, about: random.pick(plain)[1] }
    },
  }
}

function makePost(random: Random, name: string, index: number, options: ContentOptions): GeneratedPost {
  const kind = kindOf(random)
  const [language, body] = sentence(random, kind, options.longText ?? 5000)
  const link = random.chance(0.12) ? `https://example.org/articles/${random.hex(4)}?ref=${index}&q=a%20b` : null
  const pictureCount = random.chance(options.pictureRate ?? 0) ? random.pick([1, 1, 1, 2, 4]) : 0
  return {
    kind,
    text: `${body} (${index + 1})`,
    language,
    hashtags: random.chance(0.25) ? [random.pick(hashtags)] : [],
    link,
    mentions: random.chance(0.15) ? random.int(0, people.length - 1) : null,
    poll: pictureCount === 0 && random.chance(0.03) ? [...random.pick(pollQuestions)] : null,
    place: random.chance(0.05) ? random.pick(places) : null,
    continuesThread: index > 0 && random.chance(0.1),
    warning: random.chance(0.04) ? random.pick(warnings) : null,
    pictures: Array.from({ length: pictureCount }, (_, i) => makePicture(`${name}-${i}`, options.pictureSize)),
  }
}

/** The picture that goes by a name: size, format and alternative text all follow from it. */
export function makePicture(name: string, size?: { width: number; height: number }): PostPicture {
  const random = createRandom(name, 'picture')
  const format: PictureFormat = random.chance(0.5) ? 'png' : 'jpeg'
  const width = size?.width ?? random.int(6, 20) * 8
  const height = size?.height ?? random.int(6, 20) * 8
  const alt = random.chance(0.7) ? random.pick([...plain, ...rightToLeft, ...emoji])[1] : null
  return { seed: name, format, width, height, alt: random.chance(0.03) ? random.pick(hostile) : alt }
}

function kindOf(random: Random): PostKind {
  const roll = random.next()
  if (roll < 0.62) return 'plain'
  if (roll < 0.72) return 'right-to-left'
  if (roll < 0.82) return 'east-asian'
  if (roll < 0.92) return 'emoji'
  return roll < 0.985 ? 'hostile' : 'long'
}

function sentence(random: Random, kind: PostKind, longText: number): readonly [string, string] {
  if (kind === 'hostile') return ['en', random.pick(hostile)]
  if (kind === 'right-to-left') return random.pick(rightToLeft)
  if (kind === 'east-asian') return random.pick(eastAsian)
  if (kind === 'emoji') return random.pick(emoji)
  const [language, text] = random.pick(plain)
  if (kind === 'plain') return [language, random.chance(0.2) ? `${text}\n\n${random.pick(plain)[1]}\n${random.pick(plain)[1]}` : text]
  return [language, `${text} `.repeat(Math.ceil(longText / (text.length + 1))).slice(0, longText)]
}

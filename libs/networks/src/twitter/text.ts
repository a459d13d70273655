import { z } from 'zod'

const text = z.string().nullish().catch(null)
const place = { start: z.number(), end: z.number() }
/** A list that is not as it should be costs its links, not the post. */
const list = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z
    .array(z.object({ ...place, ...shape }))
    .nullish()
    .catch(null)

/** https://docs.x.com/x-api/fundamentals/data-dictionary#entities-object */
export const entitiesSchema = z
  .object({
    urls: list({
      url: z.string(),
      ...{ expanded_url: text, display_url: text, unwound_url: text, title: text, description: text, media_key: text },
    }),
    mentions: list({ username: z.string(), id: text }),
    hashtags: list({ tag: z.string() }),
  })
  .nullish()
  .catch(null)
export type Entities = z.infer<typeof entitiesSchema>
export type UrlEntity = NonNullable<NonNullable<Entities>['urls']>[number]

/** A stretch of a post: as it is shown, as it is read without markup, and where it leads. */
interface Piece {
  shown: string
  plain: string
  href: string | null
}

/** A post's text as HTML and as plain text, its links whole. `isLeftOut`: links that stand for something else, such as its pictures. */
export function readText(
  given: string,
  entities: Entities,
  isLeftOut: (url: UrlEntity) => boolean = () => false,
): { html: string; plain: string } {
  const pieces = piecesOf(given, entities, isLeftOut)
  const plain = pieces.map((piece) => piece.plain).join('')
  const html = pieces.map(({ shown, href }) => (href === null ? escaped(shown) : `<a href="${escaped(href)}">${escaped(shown)}</a>`))
  return { html: inParagraphs(html.join('').trim()), plain: plain.trim() }
}

export function userAddress(id: string): string {
  return `https://x.com/i/user/${id}`
}

export function hashtagAddress(tag: string): string {
  return `https://x.com/hashtag/${encodeURIComponent(tag)}`
}

/** The address that a shortened one stands for, if it is one that can be followed. */
export function wholeAddress({ unwound_url: unwound, expanded_url: expanded, url }: UrlEntity): string | null {
  return [expanded, unwound, url].find((address) => address && /^https?:\/\//i.test(address) && URL.canParse(address)) ?? null
}

/** Entities are placed by code points (https://docs.x.com/fundamentals/counting-characters); of those that overlap the first counts. */
function piecesOf(given: string, entities: Entities, isLeftOut: (url: UrlEntity) => boolean): Piece[] {
  const letters = [...given]
  const part = (start: number, end?: number) => unescaped(letters.slice(start, end).join(''))
  const stretches = [
    ...(entities?.urls ?? []).map((url) => ({ ...url, piece: () => (isLeftOut(url) ? null : linkOf(url)) })),
    ...(entities?.mentions ?? []).map((mention) => ({
      ...mention,
      piece: () => tagged(part(mention.start, mention.end), mention.id ? userAddress(mention.id) : `https://x.com/${mention.username}`),
    })),
    ...(entities?.hashtags ?? []).map((hashtag) => ({
      ...hashtag,
      piece: () => tagged(part(hashtag.start, hashtag.end), hashtagAddress(hashtag.tag)),
    })),
  ]
  const pieces: Piece[] = []
  let at = 0
  for (const { start, end, piece } of stretches.sort((a, b) => a.start - b.start)) {
    if (start < at || end <= start || end > letters.length) continue
    pieces.push(plainly(part(at, start)))
    pieces.push(...[piece() ?? []].flat())
    at = end
  }
  return [...pieces, plainly(part(at))]
}

function linkOf(url: UrlEntity): Piece {
  const href = wholeAddress(url)
  const whole = href ?? url.url
  return { shown: url.display_url ?? whole, plain: whole, href }
}

function tagged(written: string, href: string): Piece {
  return { shown: written, plain: written, href }
}

function plainly(written: string): Piece {
  return { shown: written, plain: written, href: null }
}

/** X sends these three escaped, and nothing else. */
function unescaped(written: string): string {
  return written.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
}

function escaped(written: string): string {
  return written.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

function inParagraphs(html: string): string {
  if (html === '') return ''
  return html
    .split(/\n{2,}/)
    .map((paragraph) => `<p>${paragraph.replaceAll('\n', '<br>')}</p>`)
    .join('')
}

import { createHash } from 'node:crypto'
import { contentTypes, type ContentType } from '@asheville/core'
import { foldText } from '../words/fold-text.ts'
import { textOfMarkup } from '../words/item-text.ts'
import { withinMs } from './group-same.ts'
import { lettersOf, saysEnough, sketchOf } from './sketch.ts'

/** Something that an item may be recognised by: two of them with the same value may be the same. */
export interface Likeness {
  kind: 'is' | 'names' | 'files' | 'words'
  /** 64 bits in decimal, with sign. */
  value: string
}

export interface Likenesses {
  found: Likeness[]
  sketch: number[] | null
}

type Loose = Readonly<Record<string, unknown>>

/** Of a text so many of the smallest hashes are looked for: of two that are nearly the same, one of them is the same all but certainly. */
const blocks = 2

/**
 * What a stored object may be recognised by; nothing of what is about another's post, such as a like or a boost. The same object has the same.
 * `names`: an address that it gives as its own elsewhere (`sameAs`, a canonical link), or a page that it announces by its title, as programs that
 * post for a blog do. A page that is mentioned among other words is no copy.
 */
export function likenessesOf(object: Loose): Likenesses {
  if (object['object'] !== undefined) return { found: [], sketch: null }
  const text = textOfMarkup(textIn(object['content']) ?? textIn(object['name']) ?? '')
  const letters = lettersOf(text)
  const sketch = sketchOf(letters)
  const addresses = [object['id'], ...addressesIn(object['url'])].flatMap(addressOf)
  const named = [...addressesIn(object['sameAs']), ...announced(object, letters)].flatMap(addressOf)
  const files = [object['attachment'], object['image']]
    .flatMap(listOf)
    .flatMap((file) => (isLoose(file) && typeof file['asheville:sha256'] === 'string' ? [file['asheville:sha256']] : []))
  const found: Likeness[] = [
    ...unique(addresses).map((address) => ({ kind: 'is' as const, value: valueOf('link', address) })),
    ...unique(named)
      .filter((address) => !addresses.includes(address))
      .map((address) => ({ kind: 'names' as const, value: valueOf('link', address) })),
    // All of them: an album is not the same as one of its pictures.
    ...(files.length > 0 ? [{ kind: 'files' as const, value: valueOf('files', unique(files).sort().join()) }] : []),
    ...(sketch && saysEnough(letters) ? wordsAt(object, sketch) : []),
  ]
  return { found, sketch }
}

/**
 * With the time, as the same is said again and again over the years: two that are within `withinMs` of each other have a window in common, and none when
 * there are two such spans between them. Nothing of what has no date.
 */
function wordsAt(object: Loose, sketch: readonly number[]): Likeness[] {
  const window = Math.floor(Date.parse(textIn(object['asheville:at']) ?? '') / withinMs)
  if (Number.isNaN(window)) return []
  const windows = [window, window + 1]
  return sketch
    .slice(0, blocks)
    .flatMap((hash) => windows.map((each) => ({ kind: 'words' as const, value: valueOf('words', `${hash} ${each}`) })))
}

/** The page that it shows, where what it says is the page's title or begins with it, or says nothing else; none of several. */
function announced(object: Loose, letters: string): unknown[] {
  const pages = listOf(object['attachment']).filter(
    (each): each is Loose => isLoose(each) && (each['type'] === 'Page' || each['type'] === 'Link') && each['rel'] !== 'quote',
  )
  const [page] = pages
  if (!page || pages.length > 1) return []
  const title = lettersOf(foldText(textIn(page['name']) ?? ''))
  const isTold = letters === '' || (title.length >= 8 && letters.includes(title))
  return isTold ? addressesIn(page['url'] ?? page['href']) : []
}

/** Strings and the targets of Link objects. */
function addressesIn(value: unknown): unknown[] {
  return listOf(value).map((each) => (isLoose(each) ? each['href'] : each))
}

/** The same page has the same address: whatever the scheme, the end, and what counts where readers came from. */
function addressOf(value: unknown): string[] {
  if (typeof value !== 'string' || value.length > 4096) return []
  if (!/^https?:/i.test(value)) return /^[a-z][a-z0-9+.-]*:\S+$/i.test(value) ? [value] : []
  if (!URL.canParse(value)) return []
  const url = new URL(value)
  // A site is no item.
  if (url.pathname === '/' && url.search === '' && url.hash === '') return []
  for (const name of [...url.searchParams.keys()]) if (/^(utm_\w+|fbclid|gclid|mc_cid|mc_eid)$/.test(name)) url.searchParams.delete(name)
  return [`//${url.host.replace(/^www\./, '')}${url.pathname.replace(/\/+$/, '')}${url.search}${url.hash}`]
}

function valueOf(domain: string, text: string): string {
  return createHash('sha256').update(`${domain} ${text}`).digest().readBigInt64BE().toString()
}

/** Of what people post themselves: of what is another's, or meant for one alone, there are no copies. */
export const copiedTypes: readonly ContentType[] = contentTypes.filter(
  (type) => !['links', 'likes', 'bookmarks', 'tasks', 'follows', 'messages'].includes(type),
)

function unique(values: readonly string[]): string[] {
  return [...new Set(values)]
}

function textIn(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function listOf(value: unknown): unknown[] {
  return value === undefined || value === null ? [] : Array.isArray(value) ? value : [value]
}

function isLoose(value: unknown): value is Loose {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

import { context, type StoredObject } from './stored-object.ts'

/** One item of a page file: its line as it stands there, and what order and look-ups need. */
export interface Entry {
  /** null: something in the page that is no item of ours; it is kept as it is. */
  readonly id: string | null
  readonly at: string | null
  readonly line: string
  /** What the line says, where it is at hand. */
  readonly object?: StoredObject
}

/** An entry that was made from an item. */
export interface ItemEntry extends Entry {
  readonly id: string
  readonly object: StoredObject
}

/** A page file: an Activity Streams 2.0 OrderedCollectionPage, one item per line. */
export interface Page {
  /** Everything but the items; what a person added here stays. */
  readonly header: Readonly<Record<string, unknown>>
  readonly entries: readonly Entry[]
}

/** An empty page of that network, account, content type and month. */
export function newPage(about: { network: string; account: { id: string; handle: string }; contentType: string; month: string }): Page {
  const { network, account, contentType, month } = about
  const header = {
    '@context': context,
    type: 'OrderedCollectionPage',
    name: `${contentType} of ${account.handle || account.id} on ${network}, ${month}`,
    'asheville:network': network,
    'asheville:account': account.id,
    'asheville:contentType': contentType,
  }
  return { header, entries: [] }
}

export function toEntry(object: StoredObject): ItemEntry {
  const { id, 'asheville:at': at } = object
  const [first, second] = Object.keys(object)
  return { id, at, line: JSON.stringify(first === 'id' && second === 'asheville:at' ? object : inOrder(object)), object }
}

/** Those two first, so that a page can be looked through quickly. What was made here has them there, and is not copied for it. */
function inOrder({ id, 'asheville:at': at, ...rest }: StoredObject): StoredObject {
  return { id, 'asheville:at': at, ...rest }
}

export function objectOf(entry: Entry): StoredObject {
  return entry.object ?? (JSON.parse(entry.line) as StoredObject)
}

const separator = '\n"orderedItems": [\n'
const end = '\n]\n}\n'
const emptyEnd = ']\n}\n'

/** The page as text. The same page is always the same text. */
export function printPage(page: Page): string {
  const properties = Object.entries(page.header).map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)},`)
  return `{\n${properties.join('\n')}${separator}${page.entries.map(({ line }) => line).join(',\n')}${page.entries.length === 0 ? emptyEnd : end}`
}

/** How many bytes the page takes with these entries, nearly: UTF-8 of the lines and their ends. */
export function bytesOf(entry: Entry): number {
  return Buffer.byteLength(entry.line) + 2
}

/** The page of a text in our own layout, or in any other that is JSON (a person's editor may have laid it out anew); null: it is neither. */
export function parsePage(text: string): Page | null {
  try {
    return parseOwnLayout(text) ?? parseAnyLayout(text)
  } catch {
    return null
  }
}

/** What can be had of a text that is not JSON: every line that by itself is an item. */
export function salvage(text: string): Entry[] {
  return text.split('\n').flatMap((line) => {
    try {
      const entry = parseEntry(line.trim().replace(/,$/, ''))
      return entry.id === null ? [] : [entry]
    } catch {
      return []
    }
  })
}

function parseOwnLayout(text: string): Page | null {
  const at = text.indexOf(separator)
  if (!text.startsWith('{\n') || at === -1 || !text.endsWith(']\n}\n')) return null
  const header = JSON.parse(`${text.slice(0, at).replace(/,$/, '')}}`) as Record<string, unknown>
  const body = text.slice(at + separator.length, text.endsWith(end) ? -end.length : -emptyEnd.length)
  const lines = body === '' ? [] : body.split('\n')
  // Anything that our own hand would not have written goes the longer way, which says what is wrong.
  if (lines.some((line, index) => line.endsWith(',') === (index === lines.length - 1))) return null
  const entries = lines.map((line, index) => parseEntry(index === lines.length - 1 ? line : line.slice(0, -1)))
  return { header, entries }
}

function parseAnyLayout(text: string): Page | null {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null) return null
  const { orderedItems, ...header } = value as Record<string, unknown>
  if (!Array.isArray(orderedItems)) return null
  return { header, entries: orderedItems.map((item) => parseEntry(JSON.stringify(item))) }
}

/** Throws when the line is not JSON. */
function parseEntry(line: string): Entry {
  const value: unknown = JSON.parse(line)
  if (typeof value !== 'object' || value === null || !('id' in value) || typeof value.id !== 'string') return { id: null, at: null, line }
  const { 'asheville:at': at, published } = value as Partial<StoredObject>
  return { id: value.id, at: at ?? (at === null ? null : (published ?? null)), line }
}

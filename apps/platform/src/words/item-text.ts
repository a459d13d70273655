const maxChars = 200_000
const maxDepth = 4

export interface ItemText {
  text: string
  /** As the item says, in lower case: `fi`; null: it says nothing, or several. */
  language: string | null
}

type Loose = Readonly<Record<string, unknown>>

/** All that a person may look for in an item: its texts, those of what it shows, links to or shares, tags, and the place's name. */
export function itemText(object: Loose): ItemText {
  const pieces: string[] = []
  collect(object, pieces, 0)
  const languages = isLoose(object['contentMap']) ? Object.keys(object['contentMap']) : []
  const [language] = languages.length === 1 ? (languages[0] ?? '').toLowerCase().split('-') : []
  return { text: [...new Set(pieces)].join('\n').slice(0, maxChars), language: language ?? null }
}

function collect(object: Loose, pieces: string[], depth: number): void {
  for (const name of ['name', 'summary', 'content', 'preferredUsername']) {
    const value = object[name]
    if (typeof value === 'string') pieces.push(textOfMarkup(value))
    for (const text of isLoose(object[`${name}Map`]) ? Object.values(object[`${name}Map`] as Loose) : [])
      if (typeof text === 'string') pieces.push(textOfMarkup(text))
  }
  if (depth === maxDepth) return
  for (const name of ['object', 'attributedTo', 'attachment', 'image', 'tag', 'location'])
    for (const inner of [object[name]].flat()) if (isLoose(inner)) collect(inner, pieces, depth + 1)
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' }

/** What markup says, for looking words up: it is never shown. */
export function textOfMarkup(markup: string): string {
  if (!/[<&]/.test(markup)) return markup
  return markup
    .slice(0, 2 * maxChars)
    .replace(/<(?:br|hr|\/?(?:p|li|h[1-6]|div|blockquote|pre|tr|td|th))\b[^>]*>/gi, '\n')
    .replace(/<[a-z/!][^>]*>/gi, '')
    .replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,6}));/gi, (whole, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return entities[name.toLowerCase()] ?? whole
      const code = decimal === undefined ? parseInt(hex ?? '', 16) : Number(decimal)
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole
    })
}

function isLoose(value: unknown): value is Loose {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

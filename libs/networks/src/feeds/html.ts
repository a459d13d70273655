/** Longer texts are left as they are. */
const maxLength = 2 * 1024 ** 2
const startTags = /<([a-z][a-z0-9-]*)((?:\s(?:"[^"]*"|'[^']*'|[^'"<>])*)?)>/gi
const attributes = /([a-z][\w:-]*)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+))/gi

export interface Tag {
  name: string
  attributes: Record<string, string>
}

/** The start tags of an HTML text with their attributes, in order; enough to find links and pictures, no more. */
export function tagsOf(html: string): Tag[] {
  if (html.length > maxLength) return []
  return [...html.matchAll(startTags)].map(([, name = '', rest = '']) => ({
    name: name.toLowerCase(),
    attributes: Object.fromEntries(
      [...rest.matchAll(attributes)].map(([, key = '', double, single, bare]) => [
        key.toLowerCase(),
        unescape(double ?? single ?? bare ?? ''),
      ]),
    ),
  }))
}

/** The same HTML, with the addresses of links, pictures and players made absolute. */
export function withAbsoluteLinks(html: string, base: string): string {
  if (html.length > maxLength) return html
  return html.replace(startTags, (tag) =>
    tag.replace(/(\s(?:src|href|poster)\s*=\s*)(?:"([^"]*)"|'([^']*)')/gi, (whole, before: string, double?: string, single?: string) => {
      const url = absolute(unescape(double ?? single ?? ''), base)
      return url === null ? whole : `${before}"${url.replaceAll('&', '&amp;').replaceAll('"', '%22')}"`
    }),
  )
}

/** An address against a base; null when it is none, or not of the web. */
export function absolute(address: string | null | undefined, base: string): string | null {
  if (!address?.trim()) return null
  const url = URL.parse(address.trim(), base)
  return url && /^https?:$/.test(url.protocol) ? url.href : null
}

/** What an HTML text says, without its tags. */
export function plainText(html: string): string {
  return unescape(html.replace(/<[^<>]*>/g, ''))
    .replace(/\s+/g, ' ')
    .trim()
}

const names: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' }

function unescape(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]+));/gi, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return names[name.toLowerCase()] ?? whole
    const code = decimal === undefined ? parseInt(hex ?? '', 16) : Number(decimal)
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })
}

import { escapeXml } from '../kit/index.ts'

/** A property by its namespace and name, `{DAV:}getetag`. */
export type PropertyName = string
/** Text, or an empty element's children as they are in XML; null: the resource has no such property. */
export type PropertyValue = { text: string } | { xml: string }
export type Properties = Record<PropertyName, PropertyValue>

const prefixes: Record<string, string> = {
  'DAV:': 'D',
  'http://owncloud.org/ns': 'oc',
  'http://nextcloud.org/ns': 'nc',
}

/** The properties that a PROPFIND asks for; null: all of them (`allprop`, or no body). RFC 4918 §14.20. */
export function askedProperties(body: string): PropertyName[] | null {
  const [, inside] = /<(?:[\w-]+:)?prop\b[^>]*>([\s\S]*?)<\/(?:[\w-]+:)?prop\s*>/.exec(body) ?? []
  if (inside === undefined) return null
  const spaces = new Map<string, string>()
  for (const [, prefix = '', space] of body.matchAll(/\sxmlns(?::([\w-]+))?\s*=\s*["']([^"']*)["']/g)) spaces.set(prefix, space!)
  return [...inside.matchAll(/<(?:([\w-]+):)?([\w-]+)[^>]*?\/?>/g)]
    .filter(([tag]) => !tag.startsWith('</'))
    .map(([, prefix = '', name]) => `{${spaces.get(prefix) ?? ''}}${name}`)
}

/** RFC 4918 §14.16: each resource with what it has, and what it has not. */
export function multistatus(resources: readonly { href: string; properties: Properties }[], asked: PropertyName[] | null): string {
  const responses = resources.map(({ href, properties }) => {
    const names = asked ?? Object.keys(properties)
    const found = names.filter((name) => properties[name] !== undefined)
    const missing = names.filter((name) => properties[name] === undefined)
    return (
      `<D:response><D:href>${escapeXml(href)}</D:href>` +
      propstat(found.map((name) => element(name, properties[name]!)).join(''), '200 OK', found.length > 0 || missing.length === 0) +
      propstat(missing.map((name) => element(name, { xml: '' })).join(''), '404 Not Found', missing.length > 0) +
      '</D:response>'
    )
  })
  const spaces = Object.entries(prefixes).map(([space, prefix]) => ` xmlns:${prefix}="${space}"`)
  return `<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus${spaces.join('')}>${responses.join('\n')}</D:multistatus>\n`
}

function propstat(inside: string, status: string, isThere: boolean): string {
  return isThere ? `<D:propstat><D:prop>${inside}</D:prop><D:status>HTTP/1.1 ${status}</D:status></D:propstat>` : ''
}

function element(name: PropertyName, value: PropertyValue): string {
  const [, space = '', local = ''] = /^\{(.*)\}(.*)$/.exec(name) ?? []
  const prefix = prefixes[space]
  const tag = prefix ? `${prefix}:${local}` : `x:${local}`
  const declared = prefix ? tag : `${tag} xmlns:x="${escapeXml(space)}"`
  const inside = 'text' in value ? escapeXml(value.text) : value.xml
  return inside === '' ? `<${declared}/>` : `<${declared}>${inside}</${tag}>`
}

/** RFC 4918 §16: which condition was not met. */
export function problem(condition: string): string {
  return `<?xml version="1.0" encoding="utf-8"?>\n<D:error xmlns:D="DAV:"><D:${condition}/></D:error>\n`
}

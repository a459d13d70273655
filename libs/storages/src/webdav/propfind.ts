import { AshevilleError } from '@asheville/core'
import { readText } from '@asheville/http-client'
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { dismiss, errorOf, service, type Client } from './client.ts'

/** What a server tells of one of its resources; null where it does not. */
export interface Resource {
  href: string
  isFolder: boolean
  etag: string | null
  bytes: number | null
  /** ISO 8601. */
  modified: string | null
  /** Of the quota, in bytes (RFC 4331). */
  available: number | null
  used: number | null
}

/** The answer is no Multi-Status: whatever that is, it is no WebDAV. */
export class NoMultistatus extends AshevilleError {}

const maxBytes = 128 * 1024 * 1024
const asked =
  '<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><resourcetype/><getetag/><getcontentlength/><getlastmodified/>' +
  '<quota-available-bytes/><quota-used-bytes/></prop></propfind>'

/**
 * The properties of what is at an address and, of a folder at depth 1, of what is right in it (RFC 4918 §9.1); null when nothing is there.
 * Depth `infinity` many servers refuse (§9.1.1), so that it is never asked.
 */
export async function propfind(client: Client, address: string, depth: 0 | 1, signal: AbortSignal): Promise<Resource[] | null> {
  const headers = { depth: String(depth), 'content-type': 'application/xml; charset=utf-8', accept: 'application/xml, text/xml' }
  const response = await client.send('PROPFIND', address, { headers, body: asked, signal })
  // What lies below a file is nowhere.
  if (response.status === 404 || response.status === 410) {
    dismiss(response)
    return null
  }
  const isOther = response.ok || response.status === 405 || response.status === 501
  if (response.status !== 207) throw isOther ? notUnderstood(response) : errorOf(response)
  return parseMultistatus(await readText(response, { service, maxBytes }))
}

function notUnderstood(response: Response): NoMultistatus {
  dismiss(response)
  return new NoMultistatus('unavailable', `What answers at this address is no WebDAV server (${response.status})`)
}

const parser = new XMLParser({
  removeNSPrefix: true,
  ignoreAttributes: true,
  parseTagValue: false,
  isArray: (name) => name === 'response' || name === 'propstat',
})

/** RFC 4918 §14.16. Throws `NoMultistatus`, also for one that ends half-way. */
function parseMultistatus(xml: string): Resource[] {
  const isWhole = !/<!DOCTYPE/i.test(xml) && XMLValidator.validate(xml) === true
  const root = isWhole ? (parser.parse(xml) as Record<string, unknown>) : {}
  if (!('multistatus' in root)) throw new NoMultistatus('unavailable', `${service} gave an answer that cannot be read`)
  return list(property(root['multistatus'], 'response')).flatMap(resourceOf)
}

function resourceOf(response: unknown): Resource[] {
  const href = property(response, 'href')
  const found = list(property(response, 'propstat')).find((one) => / 200\b/.test(String(property(one, 'status'))))
  const prop = property(found, 'prop')
  if (typeof href !== 'string' || prop === undefined) return []
  const kind = property(prop, 'resourcetype')
  const modified = Date.parse(String(property(prop, 'getlastmodified')))
  return [
    {
      href: href.trim(),
      isFolder: typeof kind === 'object' && kind !== null && 'collection' in kind,
      etag: revisionOf(property(prop, 'getetag')),
      bytes: count(property(prop, 'getcontentlength')),
      modified: Number.isNaN(modified) ? null : new Date(modified).toISOString(),
      available: count(property(prop, 'quota-available-bytes')),
      used: count(property(prop, 'quota-used-bytes')),
    },
  ]
}

/**
 * An entity tag without the mark that it is weak: Apache has it on tags of what was written within the last second, whose opaque part holds
 * microseconds and stays as it is.
 */
export function revisionOf(tag: unknown): string | null {
  const text = typeof tag === 'string' ? tag.trim().replace(/^W\//, '') : ''
  if (text === '') return null
  return text.startsWith('"') ? text : `"${text}"`
}

/** Negative numbers are how Nextcloud says that it does not know, or that there is no limit. */
function count(value: unknown): number | null {
  return typeof value === 'string' && /^\d+$/.test(value.trim()) ? Number(value) : null
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? (value as unknown[]) : [])

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

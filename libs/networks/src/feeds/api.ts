import { AshevilleError, throwIfAborted, type Http } from '@asheville/core'
import { errorOfResponse, isUnknownHost, readBytes, translateFetchError } from '@asheville/http-client'

const maxBytes = 20 * 1024 ** 2
const timeoutMs = 60_000
const accept =
  'application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, application/json;q=0.9, text/html;q=0.5, */*;q=0.1'

/** What a server said of a document, to be asked with the next time (RFC 9110 §13). */
export interface Validators {
  etag: string | null
  modified: string | null
}

export interface Fetched extends Validators {
  /** Where it came from in the end, redirects followed. */
  url: string
  text: string
}

export interface Access {
  http: Pick<Http, 'fetch'>
  signal: AbortSignal
}

/**
 * One GET of a document. Null: it is still as the validators say. Errors: `not-found` when it is gone, `invalid` when it is too large
 * or refused, `reconnect-required`, `rate-limited` and `unavailable` as everywhere.
 */
export async function fetchDocument({ http, signal }: Access, address: string, known?: Validators): Promise<Fetched | null> {
  const url = new URL(address)
  const late = AbortSignal.timeout(timeoutMs)
  const headers: Record<string, string> = { accept }
  if (known?.etag) headers['if-none-match'] = known.etag
  if (known?.modified) headers['if-modified-since'] = known.modified
  try {
    throwIfAborted(signal)
    const response = await http.fetch(url, { headers, signal: AbortSignal.any([signal, late]) })
    if (response.status === 304) {
      await response.body?.cancel()
      return null
    }
    if (!response.ok) throw errorOfResponse(response, { service: url.host })
    const bytes = await readBytes(response, { service: url.host, maxBytes })
    return {
      url: response.url || url.href,
      text: decode(bytes, response.headers.get('content-type')),
      etag: response.headers.get('etag'),
      modified: datable(response.headers),
    }
  } catch (error) {
    throwIfAborted(signal)
    if (late.aborted) throw new AshevilleError('unavailable', `${url.host} does not answer in time`)
    throw translateFetchError(error, url.host)
  }
}

/** A date in seconds is no proof of anything while the second may still be running (RFC 9110 §8.8.2.2). */
function datable(headers: Headers): string | null {
  const modified = headers.get('last-modified')
  const age = Date.parse(headers.get('date') ?? '') - Date.parse(modified ?? '')
  return age >= 2000 ? modified : null
}

/** The feed of a connection: a name that is not known or a page that is not there may be back tomorrow, so only `invalid` is told as such. */
export async function fetchFeed(access: Access, address: string, known?: Validators): Promise<Fetched | null> {
  try {
    return await fetchDocument(access, address, known)
  } catch (error) {
    const { host } = new URL(address)
    if (isUnknownHost(error)) throw new AshevilleError('unavailable', `${host} cannot be found at the moment`, { cause: error })
    if (!(error instanceof AshevilleError) || error.kind !== 'not-found') throw error
    throw notAFeed(`${host} does not have this feed any more`, error)
  }
}

/** What a person reads at the field for the address. */
export function notAFeed(message: string, cause?: unknown): AshevilleError {
  return new AshevilleError('invalid', message, { cause, faults: [{ pointer: '/url', message }] })
}

/** By byte order mark, HTTP header (RFC 7303), XML declaration or HTML meta, and else UTF-8. */
export function decode(bytes: Uint8Array, contentType: string | null): string {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 1024))
  const declared =
    /^<\?xml[^>]*\bencoding\s*=\s*["']([\w.:-]+)["']/i.exec(start.trimStart())?.[1] ??
    /<meta[^>]*\bcharset\s*=\s*["']?([\w.:-]+)/i.exec(start)?.[1]
  const named = /;\s*charset\s*=\s*"?([\w.:-]+)"?/i.exec(contentType ?? '')?.[1]
  for (const label of [markOf(bytes), named, declared, 'utf-8']) {
    const decoder = label === undefined ? null : decoderFor(label)
    if (decoder) return decoder.decode(bytes)
  }
  return new TextDecoder().decode(bytes)
}

function markOf([first, second, third]: Uint8Array): string | undefined {
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  return undefined
}

function decoderFor(label: string): TextDecoder | null {
  try {
    return new TextDecoder(label)
  } catch {
    return null
  }
}

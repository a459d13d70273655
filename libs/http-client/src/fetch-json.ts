import { setTimeout as pause } from 'node:timers/promises'
import { AshevilleError, throwIfAborted, type LimitScope } from '@asheville/core'
import { errorOfStatus } from './error-of-response.ts'
import { isBrokenConnection, translateFetchError } from './fetch-errors.ts'
import { NotTheService } from './login-faults.ts'
import { readBytes } from './read-body.ts'

const repeats = 2
const pauseMs = 150
const defaultMaxBytes = 10 * 1024 ** 2
const defaultTimeoutMs = 60_000
const maxErrorBytes = 64 * 1024

export interface JsonRequest<T> {
  /** GET unless said otherwise. */
  method?: string
  headers?: Record<string, string>
  /** Sent as JSON. */
  body?: unknown
  /** Sent urlencoded; fields that are undefined are left out. */
  form?: Record<string, string | undefined>
  /** A bearer token. */
  token?: string
  signal: AbortSignal
  /** Checks the answer: a zod schema, or anything with its `parse`. Without one the body is `unknown`. */
  schema?: { parse(value: unknown): T }
  /** The network's or storage's name, for messages: `Mastodon`. */
  service: string
  /** Whom a 429 holds back; `connection` unless said otherwise. */
  scope?: LimitScope
  /** For one attempt, the body included; 60 s. */
  timeoutMs?: number
  /** Of the unpacked body; 10 MiB. */
  maxBytes?: number
  /** The vendor's own words for a failure → one of our errors; null: go by the status. `body` is parsed JSON, or null. */
  errorOf?: (answer: { status: number; headers: Headers; body: unknown }) => AshevilleError | null
}

export interface JsonAnswer<T> {
  /** Null where the answer has no body (204). */
  body: T
  headers: Headers
  status: number
}

/**
 * One request with a JSON answer. Reads (GET, HEAD) are repeated at once, up to twice, when the connection broke or the
 * other side failed (5xx) without saying when to come again; nothing else is ever repeated here.
 * Errors: by status as `errorOfResponse`; `unavailable` when nobody answers in time; `invalid` when the answer is HTML or
 * no JSON (`does not look like`), or too large; `unexpected` when the schema refuses it; an abort throws the signal's reason.
 */
export async function fetchJson<T = unknown>(
  fetch: typeof globalThis.fetch,
  url: string | URL,
  request: JsonRequest<T>,
): Promise<JsonAnswer<T>> {
  const method = (request.method ?? 'GET').toUpperCase()
  const isRead = method === 'GET' || method === 'HEAD'
  for (let attempt = 0; ; attempt++) {
    throwIfAborted(request.signal)
    try {
      return await fetchOnce(fetch, new URL(url), method, request)
    } catch (error) {
      if (!isRead || attempt >= repeats || request.signal.aborted || !isRepeatable(error)) throw error
      await pause(pauseMs * 2 ** attempt * (0.5 + Math.random()), undefined, { signal: request.signal }).catch(() => undefined)
    }
  }
}

const failed = new WeakSet<AshevilleError>()

function isRepeatable(error: unknown): boolean {
  if (!(error instanceof AshevilleError) || error.kind !== 'unavailable' || error.retryAfterMs !== undefined) return false
  return failed.has(error) || isBrokenConnection(error)
}

async function fetchOnce<T>(fetch: typeof globalThis.fetch, url: URL, method: string, request: JsonRequest<T>): Promise<JsonAnswer<T>> {
  const { service, maxBytes = defaultMaxBytes, timeoutMs = defaultTimeoutMs } = request
  const late = AbortSignal.timeout(timeoutMs)
  const signal = AbortSignal.any([request.signal, late])
  try {
    const response = await fetch(url, { method, signal, ...contentOf(request) })
    const { status, headers } = response
    if (!response.ok) throw await failureOf(response, request)
    const bytes = await readBytes(response, { service, maxBytes })
    return { body: parseAnswer(bytes, headers, url.host, request), headers, status }
  } catch (error) {
    if (request.signal.aborted) throwIfAborted(request.signal)
    if (late.aborted) throw new AshevilleError('unavailable', `${service} does not answer in time`)
    throw translateFetchError(error, url.host)
  }
}

function contentOf<T>({ headers: given = {}, body, form, token }: JsonRequest<T>): { headers: Record<string, string>; body?: string } {
  const headers: Record<string, string> = { accept: 'application/json' }
  for (const [name, value] of Object.entries(given)) headers[name.toLowerCase()] = value
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`
  if (form) {
    headers['content-type'] = 'application/x-www-form-urlencoded;charset=UTF-8'
    const fields = Object.entries(form).flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, value]]))
    return { headers, body: new URLSearchParams(fields).toString() }
  }
  if (body === undefined) return { headers }
  headers['content-type'] ??= 'application/json'
  return { headers, body: JSON.stringify(body) }
}

async function failureOf<T>(response: Response, { errorOf, service, scope }: JsonRequest<T>): Promise<AshevilleError> {
  const { status, headers } = response
  const bytes = await readBytes(response, { service, maxBytes: maxErrorBytes }).catch(() => null)
  const own = errorOf?.({ status, headers, body: bytes && parseJson(bytes).value }) ?? null
  if (own) return own
  const error = errorOfStatus(status, headers, { service, ...(scope && { scope }) })
  if (status >= 500) failed.add(error)
  return error
}

function parseAnswer<T>(bytes: Uint8Array, headers: Headers, host: string, { schema, service }: JsonRequest<T>): T {
  const isHtml = /\bhtml\b/i.test(headers.get('content-type') ?? '')
  const { isJson, value } = bytes.length === 0 ? { isJson: true, value: null } : parseJson(bytes)
  if (isHtml || !isJson) throw new NotTheService('invalid', host, service)
  if (!schema || bytes.length === 0) return value as T
  try {
    return schema.parse(value)
  } catch (error) {
    throw new NotTheService('unexpected', host, service, error)
  }
}

function parseJson(bytes: Uint8Array): { isJson: boolean; value: unknown } {
  try {
    return { isJson: true, value: JSON.parse(new TextDecoder().decode(bytes)) }
  } catch {
    return { isJson: false, value: null }
  }
}

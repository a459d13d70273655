import { AshevilleError } from '@asheville/core'
import { FormData as UndiciFormData, Headers, type RequestInit as UndiciInit, type Response as UndiciResponse } from 'undici'
import { canonicalHostname, type AllowList } from './addresses.ts'
import { translateFetchError } from './fetch-errors.ts'

const maxRedirects = 5

interface Options {
  allow: AllowList
  userAgent: string
  fetch(url: URL, init: UndiciInit): Promise<UndiciResponse>
}

interface Step {
  url: URL
  method: string
  headers: Headers
  body: RequestInit['body']
}

/**
 * `fetch` as usual, but: only http and https; redirects are followed by hand, at most 5, each address checked, credentials
 * left behind when the origin changes; over plain http neither credentials nor anything but reads, unless the host is allowed.
 */
export function createGuardedFetch(options: Options): typeof fetch {
  return async (input, init = {}) => {
    const given = input instanceof Request ? { ...requestInit(input), ...init } : init
    const mode = given.redirect ?? 'follow'
    const common = { signal: given.signal, redirect: 'manual', duplex: 'half', keepalive: given.keepalive } as const
    let step: Step = {
      url: parseUrl(input instanceof Request ? input.url : String(input)),
      method: (given.method ?? 'GET').toUpperCase(),
      headers: new Headers(given.headers as UndiciInit['headers']),
      body: given.body,
    }
    if (!step.headers.has('user-agent')) step.headers.set('user-agent', options.userAgent)

    for (let redirects = 0; ; redirects++) {
      checkPlainHttp(step, options.allow)
      const response = await send(step, common, options)
      const location = isRedirect(response.status) ? response.headers.get('location') : null
      if (mode === 'manual' || location === null) return finish(response, redirects > 0)
      await response.body?.cancel()
      if (mode === 'error') throw new AshevilleError('invalid', `${step.url.host} sends the request elsewhere`)
      if (redirects >= maxRedirects) throw new AshevilleError('invalid', `${step.url.host} sends the request around in circles`)
      step = nextStep(step, response.status, location)
    }
  }
}

function requestInit({ method, headers, body, signal, redirect }: Request): RequestInit {
  return { method, headers, body, signal, redirect }
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new AshevilleError('invalid', 'The address must begin with http:// or https://')
  if (url.username !== '' || url.password !== '')
    throw new AshevilleError('invalid', `The address of ${url.host} must not hold a name or password`)
  return url
}

const credentials = ['authorization', 'cookie', 'dpop', 'proxy-authorization']

function checkPlainHttp({ url, method, headers }: Step, allow: AllowList): void {
  if (url.protocol === 'https:') return
  const isHarmless = (method === 'GET' || method === 'HEAD') && !credentials.some((name) => headers.has(name))
  if (isHarmless) return
  const hostname = canonicalHostname(url.hostname) ?? ''
  const port = Number(url.port) || 80
  // Of names only `host:port` counts: a range says where something is, and that may be another place the next moment.
  if (allow.hasHost(hostname, port) || allow.hasAddress(hostname)) return
  throw new AshevilleError(
    'invalid',
    `${url.host} is asked over http, where everyone can read along. Use https, or the operator may allow it with OUTBOUND_ALLOW=${url.hostname}:${port}`,
  )
}

async function send(step: Step, common: UndiciInit, options: Options): Promise<UndiciResponse> {
  try {
    const { method, headers } = step
    return await options.fetch(step.url, { ...common, method, headers, body: await bodyForUndici(step) })
  } catch (error) {
    throw translateFetchError(error, step.url.host, common.signal)
  }
}

/** undici knows only its own FormData, not Node's. */
async function bodyForUndici({ body }: Step): Promise<UndiciInit['body']> {
  if (!(body instanceof FormData)) return body as UndiciInit['body']
  const form = new UndiciFormData()
  for (const [name, value] of body) {
    if (typeof value === 'string') form.append(name, value)
    else form.append(name, value, value.name)
  }
  return form
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308
}

/** As the fetch standard: 303, and 301 and 302 after a POST, go on as GET. */
function nextStep({ url, method, headers, body }: Step, status: number, location: string): Step {
  if (!URL.canParse(location, url)) throw new AshevilleError('invalid', `${url.host} sends the request to no address`)
  const next = parseUrl(new URL(location, url).href)
  const kept = new Headers(headers)
  if (next.origin !== url.origin) for (const name of credentials) kept.delete(name)
  const becomesGet = status === 303 ? method !== 'HEAD' && method !== 'GET' : method === 'POST' && (status === 301 || status === 302)
  if (becomesGet) {
    for (const name of [...kept.keys()]) if (name.startsWith('content-')) kept.delete(name)
    return { url: next, method: 'GET', headers: kept, body: null }
  }
  if (body instanceof ReadableStream || (typeof body === 'object' && body !== null && Symbol.asyncIterator in body))
    throw new AshevilleError('unavailable', `${url.host} sends a body elsewhere that cannot be sent twice`)
  return { url: next, method, headers: kept, body }
}

function finish(response: UndiciResponse, wasRedirected: boolean): Response {
  if (wasRedirected) Object.defineProperty(response, 'redirected', { value: true })
  // undici's classes are the ones that Node's own fetch has, in another version.
  return response as unknown as Response
}

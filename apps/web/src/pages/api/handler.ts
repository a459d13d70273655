import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { appRoutes, isAppToken } from '@asheville/clients'
import { AshevilleError } from '@asheville/core'
import { forward, page, type Binding, type Exchange, type StreamReply } from '@asheville/service'
import type { Site } from '../../site.ts'
import { appsDocument } from './apps-document.ts'

/**
 * `/v1/…`: what people's programs may call, at the same origin as the website. Platform answers, and decides who may; cookies do not
 * get there, nor any token but a program's.
 */
export function apiPages(site: Site): Binding[] {
  const document = JSON.stringify(appsDocument(site.settings.version))
  return [
    page('GET', '/v1/openapi.json', { who: 'anyone' }, async ({ response }) => {
      response.set('cache-control', 'public, max-age=300').set('access-control-allow-origin', '*').type('json').send(document)
    }),
    ...Object.values(appRoutes).map((route) => forward(route, (exchange) => ask(site.settings.urls.platform, exchange))),
  ]
}

const toPlatform = [
  'accept',
  'content-length',
  'content-type',
  'idempotency-key',
  'if-none-match',
  'if-range',
  'last-event-id',
  'range',
] as const

const fromPlatform = [
  'accept-ranges',
  'cache-control',
  'content-disposition',
  'content-length',
  'content-range',
  'content-security-policy',
  'content-type',
  'etag',
  'idempotent-replayed',
  'link',
  'ratelimit',
  'ratelimit-policy',
  'retry-after',
  'www-authenticate',
  'x-accel-buffering',
] as const

/** Addresses are tidied up before they are sent: what would become another one by that (`..`) is nowhere. */
function addressAt(platformUrl: string, asked: string): URL {
  const address = new URL(platformUrl)
  const [path = ''] = asked.split('?')
  address.pathname = path
  address.search = asked.slice(path.length)
  if (address.pathname !== path) throw new AshevilleError('not-found', 'There is nothing of this name')
  return address
}

async function ask(platformUrl: string, { request, requestId, signal }: Exchange): Promise<StreamReply> {
  const { method, originalUrl, headers: given } = request
  const headers = new Headers({ 'x-request-id': requestId })
  for (const name of toPlatform) {
    const value = given[name]
    if (typeof value === 'string') headers.set(name, value)
  }
  const [, token = ''] = /^Bearer +(\S+)$/i.exec(given.authorization ?? '') ?? []
  // What is none of a program gets a word of its own, so that it is still told apart from nothing.
  if (given.authorization !== undefined) headers.set('authorization', isAppToken(token) ? `Bearer ${token}` : 'Bearer none')
  const hasBody = method === 'POST'
  const init: RequestInit & { duplex?: 'half' } = { method, headers, signal, redirect: 'error' }
  if (hasBody) Object.assign(init, { body: Readable.toWeb(request), duplex: 'half' })
  const reply = await fetch(addressAt(platformUrl, originalUrl), init).catch((error: unknown) => {
    throw new AshevilleError('unavailable', 'Platform does not answer', { cause: error, retryAfterMs: 2000 })
  })
  const answered = Object.fromEntries(fromPlatform.map((name) => [name, reply.headers.get(name) ?? undefined]))
  return { status: reply.status, headers: answered, body: reply.body ? Readable.fromWeb(reply.body as ReadableStream<Uint8Array>) : null }
}

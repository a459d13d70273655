import type { Http } from '@asheville/core'
import { streamBody } from '@asheville/http-client'
import type { S3ClientConfig } from '@aws-sdk/client-s3'

type Handler = Exclude<S3ClientConfig['requestHandler'], undefined>
type Query = Record<string, string | string[] | null>

interface Request {
  method: string
  protocol: string
  hostname: string
  port?: number
  path: string
  query?: Query
  headers: Record<string, string>
  body?: unknown
}

/** The SDK's way out: our guarded client. Throws our errors where nobody answers. */
export function createRequestHandler({ fetch }: Pick<Http, 'fetch'>): Handler {
  const handle = async (request: Request, { abortSignal }: { abortSignal?: AbortSignal } = {}) => {
    const { method, hostname, port, protocol, path, query = {}, headers, body } = request
    const address = `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}${queryOf(query)}`
    // The address says the host, and undici knows no `expect`; neither is part of what is signed.
    const sent = Object.fromEntries(Object.entries(headers).filter(([name]) => !['host', 'expect'].includes(name.toLowerCase())))
    const init = {
      method,
      headers: sent,
      body: method === 'GET' || method === 'HEAD' ? undefined : body,
      signal: abortSignal,
      redirect: 'manual',
      duplex: 'half',
    }
    const response = await fetch(address, init as unknown as RequestInit)
    const answered = {
      statusCode: response.status,
      headers: Object.fromEntries(response.headers),
      body: streamBody(response, { service: 'The S3 service' }),
    }
    return { response: answered }
  }
  return { handle, metadata: { handlerProtocol: 'http/1.1' }, destroy: () => undefined } as unknown as Handler
}

/** As it is signed: RFC 3986, where `encodeURIComponent` leaves five characters. */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)

function queryOf(query: Query): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => [value].flat().map((one) => `${encode(name)}=${encode(one ?? '')}`))
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}

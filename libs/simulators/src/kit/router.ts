import type { IncomingHttpHeaders } from 'node:http'

/** A request as a vendor's handler sees it. */
export type Call = {
  method: string
  /** Path without the query, as sent (still percent-encoded). */
  path: string
  params: Record<string, string>
  query: URLSearchParams
  headers: IncomingHttpHeaders
  /** Empty where the vendor takes the body as it comes. */
  body: Buffer
  /** The body as it comes, where the vendor asked for that; to be read to its end, or not at all. */
  incoming?: AsyncIterable<Buffer>
  /** The bearer token, if any; the vendor decides whether it is good. */
  token: string | null
  /** Where this simulator is reached: `http://127.0.0.1:4711`. */
  origin: string
  /** Aborts when the client goes away or the simulator closes. */
  signal: AbortSignal
}

/** What a handler answers with: one of the body kinds, or none. */
export type Answer = {
  status?: number
  headers?: Record<string, string | string[]>
  json?: unknown
  html?: string
  text?: string
  bytes?: Uint8Array
  stream?: AsyncIterable<Uint8Array>
  /** How many bytes `stream` gives, where that is known. */
  length?: number
  /** Tells the counters until when this caller is asked to stay away, where no `Retry-After` says so. */
  quietForMs?: number
}
export type Handler = (call: Call) => Answer | Promise<Answer>
export type Route = { method: string; pattern: string; handler: Handler }
type Compiled = Route & { match: RegExp; names: string[] }

/** Routes by method and pattern; `:name` matches one path segment, a last `*` the rest. The first that was added wins. */
export function createRouter() {
  const routes: Compiled[] = []
  return {
    add(method: string, pattern: string, handler: Handler) {
      const names: string[] = []
      const source = pattern.replaceAll('.', '\\.').replace(/:([a-z]+)|\*$/gi, (_, name: string | undefined) => {
        names.push(name ?? 'rest')
        return name === undefined ? '(.*)' : '([^/]+)'
      })
      routes.push({ method, pattern, handler, names, match: new RegExp(`^${source}$`, 'i') })
    },
    /** Null when nothing matches; a HEAD request is served by the GET route. Parameters are percent-decoded. */
    find(method: string, path: string): { route: Route; params: Record<string, string> } | null {
      const wanted = method === 'HEAD' ? 'GET' : method
      for (const route of routes) {
        const found = route.method === wanted ? route.match.exec(path) : null
        if (found) return { route, params: Object.fromEntries(route.names.map((name, i) => [name, decode(found[i + 1]!)])) }
      }
      return null
    },
  }
}

/** Fields of a form or a JSON body, as vendors that take either read them. Not an object, or unreadable: no fields. */
export function fieldsOf(call: Call): Record<string, unknown> {
  const type = call.headers['content-type'] ?? ''
  if (!type.includes('json')) return Object.fromEntries(new URLSearchParams(call.body.toString('utf8')))
  try {
    const value: unknown = JSON.parse(call.body.toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/** The user name and password of a Basic authorization header (RFC 7617), or null. */
export function basicOf(call: Call): [user: string, password: string] | null {
  const found = /^Basic\s+(\S+)$/i.exec(call.headers.authorization ?? '')
  if (!found) return null
  const [user = '', ...rest] = Buffer.from(found[1]!, 'base64').toString('utf8').split(':')
  return [decode(user), decode(rest.join(':'))]
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}

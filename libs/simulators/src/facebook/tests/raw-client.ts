import { startFacebook } from '../index.ts'
import type { FacebookOptions, FacebookSimulator } from '../index.ts'

export type Wire = Record<string, unknown> & { id: string }
export type Body = Wire & {
  data: Wire[]
  paging?: { next?: string; previous?: string; cursors?: { before: string; after: string } }
  error?: Record<string, unknown>
}
export type Reply = { status: number; headers: Headers; body: Body }

/** Plain requests to a fresh simulator, for its own tests: nothing here knows more of the protocol than a token and an address. */
export async function startRaw(options: FacebookOptions = {}) {
  const server: FacebookSimulator = await startFacebook({ seed: 3, ...options })
  const token = server.issueToken()
  async function ask(method: string, path: string, query: Record<string, string | number> = {}, as: string | null = token): Promise<Reply> {
    const parameters = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))
    const address = `${path.startsWith('/v') ? '' : '/v25.0'}${path}${parameters.size > 0 ? `?${parameters}` : ''}`
    const headers: Record<string, string> = as === null ? {} : { authorization: `Bearer ${as}` }
    const response = await fetch(server.url + address, { method, headers })
    return { status: response.status, headers: response.headers, body: (await response.json()) as Body }
  }
  const get = (path: string, query?: Record<string, string | number>, as?: string | null) => ask('GET', path, query, as)
  /** All pages, by the addresses of the answers themselves. */
  async function walk(path: string, query: Record<string, string | number> = {}): Promise<Wire[][]> {
    const first = await get(path, query)
    const pages = [first.body.data]
    for (let next = first.body.paging?.next; next !== undefined;) {
      const body = (await (await fetch(next)).json()) as Body
      pages.push(body.data)
      next = body.paging?.next
    }
    return pages
  }
  const post = async (path: string, form: Record<string, string>): Promise<Reply> => {
    const response = await fetch(`${server.url}/v25.0${path}`, { method: 'POST', body: new URLSearchParams(form) })
    return { status: response.status, headers: response.headers, body: (await response.json()) as Body }
  }
  return { server, token, get, ask, post, walk, me: server.account().id }
}

export const idsOf = (pages: Wire[][]): string[] => pages.flat().map(({ id }) => id)

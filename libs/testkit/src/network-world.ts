import { inspect } from 'node:util'
import { AshevilleError, type Fields, type Hook, type Http, type PullIo } from '@asheville/core'

/** What goes wrong with every request until it is lifted: 401, 429 (wait some seconds), 5xx, silence. */
export type WorldFault = 'unauthorized' | 'rate-limited' | 'server-error' | 'hang'

/** How a test makes things happen in one stream. Leave out what the network has no such thing as, or no way to learn of. */
export interface StreamScript {
  /** How many items fill some three pages; 5 for what comes in one page whatever its size. */
  readonly many: number
  /** Adds so many items, each newer than all that is there. Some should have files, some dates in common. */
  add(count: number): unknown
  /** Changes the newest item's content; returns its id. */
  edit?(): string | Promise<string>
  /** Deletes the newest item; returns its id. */
  remove?(): string | Promise<string>
  /** Makes the newest item's record unreadable, where records are sent one by one. */
  break?(): unknown
  /** Adds an item that is older than the newest one, but was not visible until now. */
  addLate?(): unknown
}

/** One person's account, empty, at a server that belongs to this test alone. */
export interface NetworkWorld {
  /** Should give up on a silent server within half a second. */
  readonly http: Http
  /** What the sign-in would have left. */
  readonly token: string | null
  readonly server: string | null
  readonly fields?: Fields
  readonly variables?: Fields
  /** By stream name; every stream of the network. */
  readonly streams: Readonly<Record<string, StreamScript>>
  fault(fault: WorldFault | null): unknown
  /** How many records the vendor has charged for so far; needed where a stream has an `estimate`. */
  charged?(): number
  /** What the person fills in to connect, for a network that signs in by fields. */
  readonly signIn?: Fields
  /** For a network that sends by itself; its secrets are among the `variables`. */
  readonly webhook?: {
    /** The streams that it tells of. */
    readonly streams: readonly string[]
    /** What is sent once that stream has something new. */
    sent(stream: string): Hook | Promise<Hook>
    /** What the vendor asks before it sends anything, and the answer that it wants, which is part of the question. */
    asks(): { query: Record<string, string>; answer: string } | Promise<{ query: Record<string, string>; answer: string }>
  }
  /** The person takes another name, where the network lets them. */
  rename?(): unknown
  close?(): Promise<void>
}

export interface SeenRequest {
  method: string
  url: string
  /** The token went along, wherever. */
  hasToken: boolean
}

/** What an adapter may use in a test, and what it did with it. `account` is to be filled in. */
export function watch(world: NetworkWorld, scratch: string) {
  const requests: SeenRequest[] = []
  const state = { addsUnknownFields: false, isGrantDead: false, account: { id: '', handle: '' }, signal: new AbortController().signal }
  const watched: typeof fetch = async (input, init) => {
    const request = input instanceof Request ? input : null
    const url = String(request?.url ?? input)
    const headers = [...new Headers(init?.headers ?? request?.headers).values()]
    const hasToken = world.token !== null && [url, ...headers].some((text) => text.includes(world.token!))
    requests.push({ method: (init?.method ?? request?.method ?? 'GET').toUpperCase(), url, hasToken })
    const response = await world.http.fetch(input, init)
    return state.addsUnknownFields ? withUnknownFields(response) : response
  }
  const io = (): PullIo => ({
    http: { ...world.http, fetch: watched },
    token: () =>
      state.isGrantDead
        ? Promise.reject(new AshevilleError('reconnect-required', 'The grant is dead'))
        : Promise.resolve(world.token ?? ''),
    server: world.server,
    fields: world.fields ?? {},
    account: state.account,
    variables: world.variables ?? {},
    scratch: () => scratch,
    signal: state.signal,
    now: () => new Date(),
  })
  return { io, requests, state }
}

/** A vendor may add fields at any time, anywhere. */
async function withUnknownFields(response: Response): Promise<Response> {
  if (!/json/.test(response.headers.get('content-type') ?? '')) return response
  const grown = grow(JSON.parse(await response.text()))
  const headers = new Headers(response.headers)
  headers.delete('content-length')
  headers.delete('content-encoding')
  return Object.defineProperty(new Response(JSON.stringify(grown), { status: response.status, headers }), 'url', { value: response.url })
}

function grow(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(grow)
  if (typeof value !== 'object' || value === null) return value
  const inner = Object.entries(value).map(([name, one]) => [name, grow(one)])
  return { ...Object.fromEntries(inner), new_in_2031: { is: ['unknown', 7] } }
}

/** All that could be printed of an error: its causes, its fields, its stack. */
export function everythingOf(error: unknown): string {
  return inspect(error, { depth: null, showHidden: true, maxStringLength: null }) + String((error as Error)?.stack)
}

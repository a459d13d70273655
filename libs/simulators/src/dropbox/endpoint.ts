import type { Answer, Call, Handler } from '../kit/index.ts'
import { BadArgument } from './arguments.ts'
import type { Read } from './arguments.ts'
import { receive } from './content.ts'
import type { Received } from './content.ts'
import { EndpointError, Refusal, authError, badCall, errorBody, rateLimitError } from './errors.ts'
import type { OAuth } from './oauth.ts'
import type { Place } from './world.ts'

/** 150 MiB: what one request may bring. */
export const maxPayloadBytes = 150 * 1024 * 1024

/** Where the argument stands and what the bodies are: JSON, or a header and the content. */
type Style = 'rpc' | 'upload' | 'download'
type Context<A> = { place: Place; arg: A; call: Call }
type Common<A> = { name: string; read: Read<A> | null; scope: string | null; status?: number }
export type Endpoint<A> =
  | (Common<A> & { style: 'rpc'; run(context: Context<A>): unknown })
  | (Common<A> & { style: 'upload'; run(context: Context<A>, data: Received): unknown })
  | (Common<A> & { style: 'download'; run(context: Context<A>): Answer | Promise<Answer> })

type Parts = { oauth: OAuth; placeOf(accountId: string): Place; now: () => number; dots(): number }
const uploadTypes = ['application/octet-stream', 'text/plain; charset=dropbox-cors-hack']
const rpcTypes = ['application/json', 'application/json; charset=utf-8', 'text/plain; charset=dropbox-cors-hack']

/** Makes handlers of endpoints: who calls and may they, what do they want, what do they get. */
export function createEndpoints({ oauth, placeOf, now, dots }: Parts) {
  function signedIn(name: string, call: Call, scope: string | null): Place {
    const given = call.token ?? /^Bearer (\S+)$/.exec(call.query.get('authorization') ?? '')?.[1]
    if (given === undefined) throw new Refusal(badCall(name, 'Must provide HTTP header "Authorization" or URL parameter "authorization".'))
    if (!/^[\w.~+/=-]{12,}$/.test(given)) throw new Refusal(badCall(name, 'The given OAuth 2 access token is malformed.'))
    const token = oauth.find(given)
    if (!token || !oauth.isGood(token)) throw new Refusal(authError('invalid_access_token'))
    if (token.expiresAt <= now()) throw new Refusal(authError('expired_access_token'))
    if (scope !== null && !token.scopes.includes(scope)) throw new Refusal(authError('missing_scope', { required_scope: scope }))
    const place = placeOf(token.grant.account.id)
    checkRoot(call, place)
    return place
  }

  return function handlerOf<A>(endpoint: Endpoint<A>): Handler {
    const { name, style, scope } = endpoint
    return async (call) => {
      try {
        const place = signedIn(name, call, scope)
        const arg = readArgument(endpoint, call)
        if (endpoint.style === 'download') return await endpoint.run({ place, arg, call })
        if (endpoint.style === 'rpc') return { json: (await endpoint.run({ place, arg, call })) ?? null }
        const data = await receive(call.incoming!, maxPayloadBytes)
        return { json: (await endpoint.run({ place, arg, call }, data)) ?? null }
      } catch (error) {
        if (error instanceof Refusal) return error.answer
        if (error instanceof EndpointError) return { status: 409, json: errorBody(error.error, dots()) }
        if (error instanceof BadArgument) return badCall(name, `${whereOf(style)}: ${error.message}`)
        throw error
      }
    }
  }
}

/** The refusal of a commit while the lock is held, by status 429. */
export function lockHeld(): Refusal {
  return new Refusal(rateLimitError('too_many_write_operations', 1))
}

function whereOf(style: Style): string {
  return style === 'rpc' ? 'request body' : 'HTTP header "Dropbox-API-Arg"'
}

/** The argument of a call that needs no token. */
export function readRpcArgument<A>(name: string, read: Read<A>, call: Call): A {
  return readArgument({ name, read, style: 'rpc' }, call)
}

function readArgument<A>({ name, read, style }: { name: string; read: Read<A> | null; style: Style }, call: Call): A {
  const type = (call.headers['content-type'] ?? '').toLowerCase().replace(/;\s*/, '; ')
  const badType = (expected: string[]) =>
    new Refusal(
      badCall(name, `Bad HTTP "Content-Type" header: "${type}".  Expecting one of ${expected.map((one) => `"${one}"`).join(', ')}.`),
    )
  if (style === 'rpc' && (read || call.body.length > 0) && !rpcTypes.includes(type)) throw badType(rpcTypes)
  if (style === 'upload' && !uploadTypes.includes(type)) throw badType(uploadTypes)
  if (style === 'download' && !['', 'text/plain', 'text/plain; charset=utf-8', ...uploadTypes].includes(type)) throw badType(uploadTypes)
  const text = style === 'rpc' ? call.body.toString('utf8') : argumentHeader(name, call)
  const value = parse(name, style, text === '' && !read ? 'null' : text)
  if (read) return read(value, '')
  if (value !== null) throw new BadArgument('expected null, got value')
  return null as A
}

function argumentHeader(name: string, call: Call): string {
  const header = call.headers['dropbox-api-arg']
  const given = typeof header === 'string' ? header : call.query.get('arg')
  if (given !== null) return given
  throw new Refusal(badCall(name, 'Must provide HTTP header "Dropbox-API-Arg" or URL parameter "arg".'))
}

function parse(name: string, style: Style, text: string): unknown {
  const unreadable = new Refusal(badCall(name, `${whereOf(style)}: could not decode input as JSON`))
  // Node reads headers as Latin-1; what is beyond ASCII was not escaped as it must be.
  if (style !== 'rpc' && /[^\0-\x7f]/.test(text)) throw unreadable
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw unreadable
  }
}

/** `Dropbox-API-Path-Root`: these accounts have but one root, their own. */
function checkRoot(call: Call, place: Place) {
  const header = call.headers['dropbox-api-path-root']
  if (header === undefined) return
  const root = parse('path_root', 'download', String(header)) as Record<string, unknown> | null
  if (root?.['.tag'] === 'home' || root?.[String(root['.tag'])] === place.account.rootNamespace) return
  const info = { '.tag': 'user', root_namespace_id: place.account.rootNamespace, home_namespace_id: place.account.rootNamespace }
  throw new Refusal({ status: 422, json: errorBody({ '.tag': 'invalid_root', invalid_root: info }) })
}

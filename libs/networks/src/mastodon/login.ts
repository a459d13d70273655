import { AshevilleError, kindOf, type Login, type LoginIo, type OAuthEndpoints } from '@asheville/core'
import { asLoginFault, fetchJson, isNotTheService } from '@asheville/http-client'
import { z } from 'zod'

const service = 'a Mastodon server'
const pointer = '/server'

const instanceSchema = z.union([
  z.object({ domain: z.string().min(1), version: z.string() }),
  z.object({ uri: z.string().min(1), version: z.string() }).transform(({ uri, version }) => ({ domain: bareHost(uri), version })),
])

/** RFC 8414; Mastodon ≥ 4.3 has it (https://docs.joinmastodon.org/methods/oauth/#authorization-server-metadata). */
const metadataSchema = z.object({
  issuer: z.string().optional(),
  authorization_endpoint: z.url({ protocol: /^https?$/ }),
  token_endpoint: z.url({ protocol: /^https?$/ }),
  revocation_endpoint: z.url({ protocol: /^https?$/ }).optional(),
  code_challenge_methods_supported: z.array(z.string()).optional(),
  authorization_response_iss_parameter_supported: z.boolean().optional(),
})

const clientSchema = z.object({ client_id: z.string().min(1), client_secret: z.string().nullish() })

/** https://docs.joinmastodon.org/client/authorized/ */
export const login: Extract<Login, { kind: 'oauth2-per-server' }> = {
  kind: 'oauth2-per-server',
  fields: [
    {
      name: 'server',
      label: 'Your server',
      kind: 'text',
      placeholder: 'mastodon.social',
      help: 'Where you sign in: its name or address, or your whole handle (@you@example.social).',
      autocomplete: 'url',
    },
  ],
  // What each is for: README.md. Whoever reads follows needs `read:accounts`, so `profile` would only be one more.
  scopes: ['read:accounts', 'read:statuses', 'read:favourites', 'read:bookmarks'],

  async discover(written, io) {
    const { origin, handle } = parse(written)
    try {
      const server = await findServer(origin, handle, io)
      return { server, endpoints: await findEndpoints(server, io) }
    } catch (error) {
      throw asLoginFault(error, pointer)
    }
  },

  async register(server, redirectUri, io) {
    const form = { client_name: 'Asheville', redirect_uris: redirectUri, scopes: login.scopes.join(' ') }
    try {
      const url = new URL('/api/v1/apps', server)
      const { body } = await fetchJson(io.http.fetch, url, { method: 'POST', form, signal: io.signal, service, schema: clientSchema })
      return { clientId: body.client_id, clientSecret: body.client_secret ?? null }
    } catch (error) {
      throw asLoginFault(error, pointer)
    }
  },
}

/** The name under which the server is known to others, for handles; it may differ from where it answers. */
export async function domainOf(server: string, io: Pick<LoginIo, 'http' | 'signal'>): Promise<string> {
  return (await getInstance(server, io)).domain
}

function parse(written: string): { origin: string; handle: string | null } {
  const text = written.trim()
  const acct = /^@?([^\s@/:]+)@([^\s@/]+)$/.exec(text)
  const address = acct ? `https://${acct[2]}` : /^https?:\/\//i.test(text) ? text : `https://${text.replace(/^@/, '')}`
  const url = text === '' ? null : URL.parse(address)
  const isName =
    url !== null && (url.hostname.includes('.') || url.port !== '' || url.hostname === 'localhost' || url.hostname.startsWith('['))
  if (!isName || url.username !== '' || url.password !== '') {
    const message = 'Write the name of your server, such as mastodon.social'
    throw new AshevilleError('invalid', message, { faults: [{ pointer, message }] })
  }
  return { origin: url.origin, handle: acct ? `${acct[1]}@${acct[2]}` : null }
}

/** The origin that answers the API. A handle's domain may only point there (https://docs.joinmastodon.org/spec/webfinger/). */
async function findServer(origin: string, handle: string | null, io: LoginIo): Promise<string> {
  try {
    return (await getInstance(origin, io)).origin
  } catch (error) {
    const home = handle === null || !isElsewhere(error) ? null : await homeOf(origin, handle, io)
    if (home === null || home === origin) throw error
    return (await getInstance(home, io)).origin
  }
}

async function homeOf(origin: string, handle: string, io: LoginIo): Promise<string | null> {
  const url = new URL('/.well-known/webfinger', origin)
  url.searchParams.set('resource', `acct:${handle}`)
  const schema = z.object({ links: z.array(z.object({ rel: z.string(), href: z.string().optional() })) })
  const headers = { accept: 'application/jrd+json, application/json' }
  const found = await fetchJson(io.http.fetch, url, { signal: io.signal, service, schema, headers }).catch(() => null)
  const self = found?.body.links.find(({ rel }) => rel === 'self')?.href
  return self === undefined ? null : (URL.parse(self)?.origin ?? null)
}

/** `GET /api/v2/instance`, or `/api/v1/instance` of servers before 4.0 and of other software. */
async function getInstance(
  server: string,
  { http, signal }: Pick<LoginIo, 'http' | 'signal'>,
): Promise<{ origin: string; domain: string }> {
  let answeredBy = server
  const remembering: typeof fetch = async (input, init) => {
    const response = await http.fetch(input, init)
    if (response.url) answeredBy = new URL(response.url).origin
    return response
  }
  const ask = (version: string) =>
    fetchJson(remembering, new URL(`/api/${version}/instance`, server), { signal, service, schema: instanceSchema })
  const { body } = await ask('v2').catch((error: unknown) => {
    if (isElsewhere(error)) return ask('v1')
    throw error
  })
  return { origin: answeredBy, domain: body.domain }
}

function isElsewhere(error: unknown): boolean {
  return isNotTheService(error) || kindOf(error) === 'not-found' || kindOf(error) === 'invalid'
}

async function findEndpoints(server: string, io: LoginIo): Promise<OAuthEndpoints> {
  const url = new URL('/.well-known/oauth-authorization-server', server)
  try {
    const { body } = await fetchJson(io.http.fetch, url, { signal: io.signal, service, schema: metadataSchema })
    return {
      authorization: body.authorization_endpoint,
      token: body.token_endpoint,
      revocation: body.revocation_endpoint ?? null,
      // Only a server that says so puts it into its answers (RFC 9207).
      issuer: body.authorization_response_iss_parameter_supported ? (body.issuer ?? null) : null,
      pkce: body.code_challenge_methods_supported?.includes('S256') ?? false,
    }
  } catch (error) {
    if (!isElsewhere(error)) throw error
    const at = (path: string) => new URL(path, server).href
    return { authorization: at('/oauth/authorize'), token: at('/oauth/token'), revocation: at('/oauth/revoke'), issuer: null, pkce: false }
  }
}

function bareHost(uri: string): string {
  return URL.parse(uri.includes('://') ? uri : `https://${uri}`)?.host ?? uri
}

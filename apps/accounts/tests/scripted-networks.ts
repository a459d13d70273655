import {
  AshevilleError,
  type ContentType,
  type Hint,
  type Login,
  type Network,
  type OAuthEndpoints,
  type StorageAdapter,
  type Stream,
} from '@asheville/core'
import { fetchJson } from '@asheville/http-client'
import { z } from 'zod'

const stream = (name: string, ...contentTypes: ContentType[]): Stream => ({
  name,
  version: 1,
  contentTypes,
  plan: () => Promise.resolve([]),
  pages: () => {
    throw new Error('accounts pulls nothing')
  },
})

const common = { description: '', website: 'https://example.org', variables: [], budgets: [] }
const me = z.object({ id: z.string(), handle: z.string() })

/** A network of many servers, each one of `startOAuthServer`. `#nopkce` and the like after the server script what it offers. */
export function perServerNetwork(id: string): Network {
  return {
    ...common,
    id,
    title: 'Meadow',
    streams: [stream('posts', 'posts', 'photos'), stream('likes', 'likes')],
    logins: [
      {
        kind: 'oauth2-per-server',
        fields: [{ name: 'server', label: 'Server', kind: 'url' }],
        scopes: ['read'],
        async discover(server, { http, signal }) {
          const url = new URL(server)
          await fetchJson(http.fetch, new URL('/me', url), { service: 'Meadow', signal, schema: me }).catch((error: unknown) => {
            // Nobody is signed in yet: that it wants to know who asks is what shows that it is a Meadow server.
            if (!(error instanceof AshevilleError) || error.kind !== 'reconnect-required') throw error
          })
          const endpoints = {
            authorization: `${url.origin}/authorize`,
            token: `${url.origin}/token`,
            revocation: `${url.origin}/revoke`,
            issuer: url.origin,
            pkce: url.hash !== '#nopkce',
          }
          return { server: url.origin, endpoints }
        },
        async register(server, redirectUri, { http, signal }) {
          const { body } = await fetchJson(http.fetch, `${server}/register`, {
            method: 'POST',
            form: { redirect_uri: redirectUri },
            service: 'Meadow',
            signal,
            schema: z.object({ client_id: z.string(), client_secret: z.string() }),
          })
          return { clientId: body.client_id, clientSecret: body.client_secret }
        },
      },
    ],
    async account({ http, token, server, signal }) {
      const { body } = await fetchJson(http.fetch, `${server}/me`, { token: await token(), service: 'Meadow', signal, schema: me })
      return { ...body, title: body.handle, url: null, declined: [] }
    },
  }
}

type AppLogin = Extract<Login, { kind: 'oauth2' }>

/** The app that an operator registered at a `startOAuthProvider`; its variables are `<ID>_CLIENT_ID` and `<ID>_CLIENT_SECRET`. */
export function appLogin(id: string, url: string, more: Partial<OAuthEndpoints> = {}, own: Partial<AppLogin> = {}): AppLogin {
  const endpoints = {
    authorization: `${url}/authorize`,
    token: `${url}/token`,
    revocation: `${url}/revoke`,
    issuer: url,
    pkce: true,
    ...more,
  }
  const [clientIdVariable, clientSecretVariable] = [`${id.toUpperCase()}_CLIENT_ID`, `${id.toUpperCase()}_CLIENT_SECRET`]
  return { kind: 'oauth2', scopes: ['read', 'likes'], clientIdVariable, clientSecretVariable, endpoints: () => endpoints, ...own }
}

const traded = z.object({ access_token: z.string(), expires_in: z.number() })

/** As a provider does it that knows no refresh tokens, but trades an access token for a longer one, and ends access in a way of its own. */
export function ownWays(url: string): Required<Pick<AppLogin, 'exchange' | 'refresh' | 'revoke'>> {
  const trade: NonNullable<AppLogin['exchange']> = async ({ accessToken }, { http, client, signal, now }) => {
    const { body } = await fetchJson(http.fetch, `${url}/exchange`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa([client.clientId, client.clientSecret ?? ''].map(encodeURIComponent).join(':'))}` },
      form: { access_token: accessToken },
      service: 'Harbour',
      signal,
      schema: traded,
      errorOf: ({ status }) => (status === 400 ? new AshevilleError('reconnect-required', 'Harbour no longer accepts our access') : null),
    })
    const expiresAt = new Date(now().getTime() + body.expires_in * 1000).toISOString()
    return { accessToken: body.access_token, expiresAt, refreshToken: null }
  }
  return {
    exchange: trade,
    refresh: trade,
    async revoke({ accessToken }, { http, signal }) {
      await fetchJson(http.fetch, `${url}/disconnect`, { method: 'POST', token: accessToken, service: 'Harbour', signal })
    },
  }
}

/** A network with an account at that provider. `declined`: what it tells itself of that. */
export function appNetwork(login: AppLogin, url: string, declined: readonly string[] = []): Network {
  const id = login.clientIdVariable.replace('_CLIENT_ID', '').toLowerCase()
  return {
    ...common,
    id,
    title: 'Harbour',
    streams: [
      { ...stream('posts', 'posts', 'photos'), scopes: ['read'] },
      { ...stream('likes', 'likes'), scopes: ['read', 'likes'] },
    ],
    logins: [login],
    async account({ http, token, signal }) {
      const schema = z.object({ id: z.string(), name: z.string() })
      const { body } = await fetchJson(http.fetch, `${url}/account`, { token: await token(), service: 'Harbour', signal, schema })
      return { id: body.id, handle: body.name, title: body.name, url: null, declined: [...declined] }
    },
  }
}

/** A network of one word: `nobody` does not exist, everything else is an account without tokens. */
export const diary: Network = {
  ...common,
  id: 'diary',
  title: 'Diary',
  streams: [stream('entries', 'articles')],
  logins: [
    {
      kind: 'fields',
      fields: [{ name: 'name', label: 'Name', kind: 'text' }],
      signIn: (fields) => Promise.resolve({ tokens: null, server: null, fields }),
    },
  ],
  account({ fields }) {
    const name = fields['name'] ?? ''
    if (name === 'nobody') {
      const message = 'There is no such diary'
      return Promise.reject(new AshevilleError('invalid', message, { faults: [{ pointer: '/name', message }] }))
    }
    return Promise.resolve({ id: name, handle: name, title: name, url: null, declined: [] })
  },
  webhook: {
    headers: ['x-diary'],
    confirm: ({ word, please }) => (word === 'open' ? (please ?? null) : null),
    hints({ headers, body }) {
      if (headers['x-diary'] !== 'signed') throw new AshevilleError('forbidden', 'This is not signed')
      return JSON.parse(Buffer.from(body).toString()) as Hint[]
    },
  },
}

/** A disk that only knows whose it is. */
export const disk: StorageAdapter = {
  id: 'local',
  title: 'this server’s disk',
  description: '',
  website: null,
  logins: [],
  variables: [],
  account: ({ account }) => Promise.resolve({ id: account.id, handle: 'disk', title: 'Disk', url: null, declined: [] }),
  open: () => {
    throw new Error('accounts opens no storage')
  },
}

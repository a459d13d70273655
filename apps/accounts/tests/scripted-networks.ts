import { AshevilleError, type ContentType, type Network, type StorageAdapter, type Stream } from '@asheville/core'
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

import type { Account, Login, Network, StorageAdapter } from '@asheville/core'
import { fetchJson } from '@asheville/http-client'
import { z } from 'zod'

/** Where an OAuth 2 provider is, and where it tells whose token it was given. */
export interface Place {
  issuer: string
  authorization: string
  token: string
  revocation: string | null
  account: string
  scopes: readonly string[]
  /** Its ways of its own. */
  own?: Partial<Extract<Login, { kind: 'oauth2' }>>
}

/** As `startOAuthProvider` lays it out. */
export function placeOf(url: string): Place {
  const at = (path: string) => `${url}/${path}`
  return {
    issuer: url,
    authorization: at('authorize'),
    token: at('token'),
    revocation: at('revoke'),
    account: at('account'),
    scopes: ['files'],
  }
}

export const variablesOf = (id: string): { id: string; secret: string } => ({
  id: `${id.toUpperCase()}_CLIENT_ID`,
  secret: `${id.toUpperCase()}_CLIENT_SECRET`,
})

function loginOf(id: string, place: Place): Login {
  const { id: clientIdVariable, secret: clientSecretVariable } = variablesOf(id)
  const { scopes, authorization, token, revocation, issuer } = place
  const endpoints = { authorization, token, revocation, issuer, pkce: true }
  return { kind: 'oauth2', scopes, clientIdVariable, clientSecretVariable, endpoints: () => endpoints, ...place.own }
}

/** `sub` is what OpenID Connect calls it. */
const accountSchema = z
  .object({ id: z.string().optional(), sub: z.string().optional(), name: z.string().optional() })
  .transform(({ id, sub, name }): Account => {
    const known = id ?? sub ?? ''
    return { id: known, handle: name ?? known, title: name ?? known, url: null, declined: [] }
  })

/** A storage with an account at that provider, and nothing in it. */
export function scriptedStorage(id: string, title: string, place: Place): StorageAdapter {
  return {
    id,
    title,
    description: `Keeps your copies in ${title}.`,
    website: null,
    logins: [loginOf(id, place)],
    variables: [],
    async account({ http, token }, signal) {
      const { body } = await fetchJson(http.fetch, place.account, { token: await token(), service: title, signal, schema: accountSchema })
      return body
    },
    open: () => {
      throw new Error('nothing is stored in these tests')
    },
  }
}

/** A network with an account at that provider, and no streams. */
export function scriptedNetwork(id: string, title: string, place: Place): Network {
  return {
    id,
    title,
    description: `What you put into ${title}.`,
    website: 'https://example.org',
    logins: [loginOf(id, place)],
    variables: [],
    budgets: [],
    streams: [],
    async account({ http, token, signal }) {
      const { body } = await fetchJson(http.fetch, place.account, { token: await token(), service: title, signal, schema: accountSchema })
      return body
    },
  }
}

import type { AppIo, Login, Tokens } from '@asheville/core'
import { deletePermissions, exchangeToken, graphUrl, version } from './api.ts'

type OAuthLogin = Extract<Login, { kind: 'oauth2' }>

/** “Generally about 60 days”, where the answer does not say: https://developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived */
const longLivedSeconds = 60 * 24 * 3600

/** https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow; what people experience: README.md. */
export const login: OAuthLogin = {
  kind: 'oauth2',
  scopes: ({ FACEBOOK_SCOPES }) => (FACEBOOK_SCOPES ?? '').split(/[\s,]+/).filter((scope) => scope !== ''),
  clientIdVariable: 'FACEBOOK_CLIENT_ID',
  clientSecretVariable: 'FACEBOOK_CLIENT_SECRET',

  // Without `rerequest` what somebody declined once is not asked again when they connect again.
  endpoints: (variables) => ({
    authorization: new URL(`/${version}/dialog/oauth?auth_type=rerequest`, variables['FACEBOOK_WEB_URL'] || 'https://www.facebook.com')
      .href,
    token: graphUrl(variables, 'oauth/access_token').href,
    revocation: null,
    issuer: null,
    pkce: true,
  }),

  exchange: longLived,
  // There are no refresh tokens. A token that is still good is exchanged for one that ends later.
  refresh: longLived,
  revoke: ({ accessToken }, io) => deletePermissions(io, accessToken),
}

async function longLived({ accessToken }: Tokens, io: AppIo): Promise<Tokens> {
  const { clientId, clientSecret } = io.client
  const form = { client_id: clientId, client_secret: clientSecret ?? undefined, fb_exchange_token: accessToken }
  const answer = await exchangeToken(io, form)
  const seconds = answer.expires_in ?? longLivedSeconds
  return { accessToken: answer.access_token, refreshToken: null, expiresAt: new Date(io.now().getTime() + seconds * 1000).toISOString() }
}

import type { Login } from '@asheville/core'

/** What each stream needs: https://docs.x.com/fundamentals/authentication/guides/v2-authentication-mapping */
export const scopesOf = {
  posts: ['tweet.read', 'users.read'],
  likes: ['tweet.read', 'users.read', 'like.read'],
  bookmarks: ['tweet.read', 'users.read', 'bookmark.read'],
  follows: ['tweet.read', 'users.read', 'follows.read'],
} as const

/**
 * https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code: always PKCE; a confidential app shows its secret in the header; access
 * lasts two hours, and only with `offline.access` can be renewed, each refresh token once.
 */
export const login: Extract<Login, { kind: 'oauth2' }> = {
  kind: 'oauth2',
  scopes: [...new Set([...Object.values(scopesOf).flat(), 'offline.access'])],
  clientIdVariable: 'TWITTER_CLIENT_ID',
  clientSecretVariable: 'TWITTER_CLIENT_SECRET',
  endpoints: ({ TWITTER_API_URL, TWITTER_WEB_URL }) => ({
    authorization: new URL('/i/oauth2/authorize', TWITTER_WEB_URL).href,
    token: new URL('/2/oauth2/token', TWITTER_API_URL).href,
    revocation: new URL('/2/oauth2/revoke', TWITTER_API_URL).href,
    issuer: null,
    pkce: true,
    secretIn: 'header',
  }),
}

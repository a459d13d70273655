import type { StorageAdapter } from '@asheville/core'
import type { Context } from '../context.ts'
import type { OAuthLogin } from '../connect/send-away.ts'

/** How people sign in with that storage; null where they cannot: it has no such login, or the operator has not set it up. */
export function signInLogin({ logins }: Pick<StorageAdapter, 'logins'>, { variables }: Pick<Context, 'variables'>): OAuthLogin | null {
  const login = logins.find((each) => each.kind !== 'fields')
  if (!login || (login.kind === 'oauth2' && !variables[login.clientIdVariable])) return null
  return login
}

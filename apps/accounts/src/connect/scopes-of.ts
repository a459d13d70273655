import type { Fields } from '@asheville/core'
import type { OAuthLogin } from './send-away.ts'

/** What is asked for at the provider. */
export function scopesOf({ scopes }: OAuthLogin, variables: Fields): readonly string[] {
  return typeof scopes === 'function' ? scopes(variables) : scopes
}

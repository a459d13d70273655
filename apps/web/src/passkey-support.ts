import { passkeyDomain } from '@asheville/clients'
import type { Site } from './site.ts'

/** Milliseconds for accounts to check what an authenticator answered: the first time it loads what does so. */
export const passkeyMs = 8000

/** The origin that passkeys of this site belong to; null where browsers keep none. */
export function passkeyOrigin({ settings }: Site): string | null {
  return passkeyDomain(settings.webUrl) === null ? null : settings.webUrl
}

/** What pages with passkeys run. */
export function passkeyScripts(site: Site): string[] {
  return passkeyOrigin(site) === null ? [] : ['webauthn.js', 'passkeys.js']
}

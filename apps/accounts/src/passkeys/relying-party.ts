import { passkeyDomain } from '@asheville/clients'
import { AshevilleError } from '@asheville/core'

/** What passkeys are bound to: the website's domain and origin, never what a request says of itself. */
export interface RelyingParty {
  id: string
  origin: string
}

/** `conflict` where the website's address is one that browsers keep no passkeys for. */
export function relyingPartyOf(webUrl: string): RelyingParty {
  const id = passkeyDomain(webUrl)
  if (id === null) throw new AshevilleError('conflict', 'Passkeys need an address that begins with https and has a name')
  return { id, origin: webUrl }
}

/** How authenticators know a person: opaque bytes, as WebAuthn §14.6.1 asks for. */
export function userHandleOf(userId: string): string {
  return Buffer.from(userId.replaceAll('-', ''), 'hex').toString('base64url')
}

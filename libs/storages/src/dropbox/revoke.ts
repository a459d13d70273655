import { AshevilleError, kindOf, type AppIo, type Tokens } from '@asheville/core'
import { fetchJson } from '@asheville/http-client'
import { tagsOf } from './translate-error.ts'

/**
 * Gives the access back, by its access token; the refresh token goes with it. What Dropbox does not accept any more is given back already: perhaps by
 * us, when its answer was lost. https://www.dropbox.com/developers/documentation/http/documentation#auth-token-revoke
 */
export async function revoke({ accessToken }: Tokens, { http, variables, signal }: AppIo): Promise<void> {
  const request = { method: 'POST', token: accessToken, signal, service: 'Dropbox', errorOf: expired }
  await fetchJson(http.fetch, new URL('/2/auth/token/revoke', variables['DROPBOX_API_URL']), request).catch((error: unknown) => {
    if (kindOf(error) !== 'reconnect-required') throw error
  })
}

/** By Dropbox's clock, not yet by ours: once it is by both, the token is renewed first. */
function expired({ status, body }: { status: number; body: unknown }): AshevilleError | null {
  if (status !== 401 || !tagsOf(body).includes('expired_access_token')) return null
  return new AshevilleError('unavailable', 'The access to Dropbox has to be renewed before it can be given back')
}

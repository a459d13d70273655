import { AshevilleError, type AppIo, type Tokens } from '@asheville/core'
import { fetchJson } from '@asheville/http-client'

/**
 * Gives the access back, and all that the person allowed this app with it. What Google does not know any more is given back already: perhaps by us,
 * when its answer was lost. https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke
 */
export async function revoke({ accessToken, refreshToken }: Tokens, { http, variables, signal }: AppIo): Promise<void> {
  const form = { token: refreshToken ?? accessToken }
  const request = { method: 'POST', form, signal, service: 'Google', errorOf: gone }
  await fetchJson(http.fetch, new URL('/revoke', variables['GOOGLE_DRIVE_OAUTH_URL']), request).catch((error: unknown) => {
    if (!(error instanceof Gone)) throw error
  })
}

class Gone extends AshevilleError {}

function gone({ body }: { body: unknown }): AshevilleError | null {
  const isGone = typeof body === 'object' && body !== null && 'error' in body && body.error === 'invalid_token'
  return isGone ? new Gone('reconnect-required', 'Google does not know this access any more') : null
}

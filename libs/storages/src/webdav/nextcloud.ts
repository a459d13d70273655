import { kindOf, type LoginIo } from '@asheville/core'
import { fetchJson } from '@asheville/http-client'

/** Where a Nextcloud, or an ownCloud, keeps a person's files, and takes large ones in parts. Addresses end with a slash. */
export interface NextcloudPlace {
  address: string
  uploads: string
}

/**
 * The base of the Nextcloud (or ownCloud, where it comes from) that an address is of, without a slash at the end; null: it is of something
 * else. https://docs.nextcloud.com/server/latest/admin_manual/configuration_monitoring/index.html
 */
export async function findNextcloud(address: string, io: Pick<LoginIo, 'http' | 'signal'>): Promise<string | null> {
  // What people copy from their browser is the address of a page.
  const base = address.replace(/\/(remote\.php|index\.php|apps|login|s)(\/.*)?$/, '').replace(/\/$/, '')
  const schema = { parse: (value: unknown) => Object(value) as { installed?: unknown; productname?: unknown } }
  try {
    const { body } = await fetchJson(io.http.fetch, `${base}/status.php`, {
      schema,
      signal: io.signal,
      service: 'Nextcloud',
      maxBytes: 64 * 1024,
    })
    return body.installed === true && typeof body.productname === 'string' ? base : null
  } catch (error) {
    // Anything else that answers so is another kind of server.
    if (['not-found', 'invalid', 'unexpected', 'reconnect-required'].includes(kindOf(error))) return null
    throw error
  }
}

/**
 * Where the files are of who signs in with `token` (`user:password`): by the id that paths have, which may be another than the name they sign
 * in with (their e-mail address). Throws as `fetchJson`.
 */
export async function placeAt(base: string, token: string, io: Pick<LoginIo, 'http' | 'signal'>): Promise<NextcloudPlace> {
  const { body } = await fetchJson(io.http.fetch, `${base}/ocs/v2.php/cloud/user?format=json`, {
    headers: ocsHeaders(token),
    schema: { parse: (value: unknown) => (value as { ocs: { data: { id: string } } }).ocs.data.id },
    signal: io.signal,
    service: 'Nextcloud',
  })
  const id = encodeURIComponent(String(body))
  return { address: `${base}/remote.php/dav/files/${id}/`, uploads: `${base}/remote.php/dav/uploads/${id}/` }
}

/** What Nextcloud's own API asks of a request by who signs in with `token` (`user:password`). */
export const ocsHeaders = (token: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(token, 'utf8').toString('base64')}`,
  'ocs-apirequest': 'true',
})

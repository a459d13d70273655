import type { Visit } from '@asheville/service'
import { clearCookie, offerCookie, readCookie } from './cookies.ts'
import type { Site } from './site.ts'

type Purpose = 'reset' | 'verification'

const keptMs = 30 * 60_000
const pattern = /^[\w-]{20,200}$/

/**
 * Takes the token of a mailed link out of the address at once, so that it stays in no history and goes to nobody else: the
 * browser is sent to `path` again and keeps the token in a cookie. Whether that is what happened.
 */
export function keepMailedToken(site: Site, visit: Visit, purpose: Purpose, path: string): boolean {
  const { request, response, query } = visit
  response.set('referrer-policy', 'no-referrer')
  if (typeof query.token !== 'string' || !pattern.test(query.token)) return false
  offerCookie(request, response, purpose, query.token, site.settings.webUrl, new Date(Date.now() + keptMs))
  site.redirect(visit, path)
  return true
}

/** The token that was kept; null when there is none. */
export function mailedToken(site: Site, visit: Visit, purpose: Purpose): string | null {
  const token = readCookie(visit.request, purpose, site.settings.webUrl)
  return token !== null && pattern.test(token) ? token : null
}

export function forgetMailedToken(site: Site, visit: Visit, purpose: Purpose): void {
  clearCookie(visit.response, purpose, site.settings.webUrl)
}

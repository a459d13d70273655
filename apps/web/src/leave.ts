import { AshevilleError } from '@asheville/core'
import type { Visit } from '@asheville/service'
import { isSame, sign } from './forgery.ts'
import { webLink } from './network-html.ts'
import type { Site } from './site.ts'

const leaveWithinMs = 10 * 60_000

/** Which browser it is: its session, else its visitor cookie. */
function browserOf(site: Site, { request }: Pick<Visit, 'request'>): string {
  const { session, visitor } = site.state(request)
  return session ? session.id : (visitor ?? '')
}

/**
 * A page of ours, below `at`, that goes on to that address by itself: browsers hold redirects of a form to `form-action`. It
 * works for this browser, for ten minutes.
 */
export function leaveAddress(site: Site, visit: Pick<Visit, 'request'>, at: string, to: string): string {
  const until = String(Date.now() + leaveWithinMs)
  const signature = sign(site.settings.secret, 'leave', browserOf(site, visit), at, to, until)
  return `${at}/leave?${new URLSearchParams({ to, until, signature })}`
}

/** Where that page goes on to. Throws `not-found` for an address that was not made for this browser, or too long ago. */
export function leaveLink(site: Site, visit: Pick<Visit, 'request' | 'query'>, at: string): string {
  const { to = '', until = '', signature = '' } = visit.query
  const browser = browserOf(site, visit)
  const isOurs = browser !== '' && isSame(signature, sign(site.settings.secret, 'leave', browser, at, to, until))
  const link = webLink(to)
  if (!isOurs || !link || !(Number(until) > Date.now())) throw new AshevilleError('not-found', 'This link has ended')
  return link
}

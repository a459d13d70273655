import { isIP } from 'node:net'
import type { Session } from '@asheville/clients'
import type { Visit } from '@asheville/service'
import { clearCookie, cookieMode, writeCookie } from './cookies.ts'
import type { Site } from './site.ts'

/** What a person signs in with, as accounts keeps it. */
export function deviceOf({ request }: Pick<Visit, 'request'>): { userAgent: string; address: string } {
  return {
    userAgent: String(request.headers['user-agent'] ?? '').slice(0, 500),
    address: addressOf(request),
  }
}

/** Where a visitor is: what proxies that are trusted say, else the other end. */
function addressOf({ ip = '', socket }: Visit['request']): string {
  return (isIP(ip) ? ip : (socket.remoteAddress ?? '')).slice(0, 64)
}

/**
 * Gives a browser the session that accounts opened for it, in a new cookie; whatever session it had before is ended. What the
 * visitor cookie was bound to ends as well, unless it `keepsVisitor`.
 */
export async function keepSession(
  site: Site,
  visit: Visit,
  opened: { token: string; session: Session },
  { keepsVisitor = false }: { keepsVisitor?: boolean } = {},
): Promise<void> {
  const { request, response } = visit
  const before = site.state(request).token
  if (before) {
    site.sessions.forget(before)
    await site
      .backends(visit)
      .accounts.endSession({ body: { token: before } })
      .catch(() => null)
  }
  const mode = cookieMode(request, site.settings.webUrl)
  if (!keepsVisitor) clearCookie(response, 'visitor', site.settings.webUrl)
  writeCookie(response, 'session', opened.token, mode, new Date(opened.session.expiresAt))
}

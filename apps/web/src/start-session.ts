import type { Visit } from '@asheville/service'
import { clearCookie, cookieMode, writeCookie } from './cookies.ts'
import type { Site } from './site.ts'

/** Milliseconds for a password to be checked: that is slow by design. */
const passwordMs = 8000

/**
 * Signs in: a new session with a new cookie, whatever session there was before is ended. Throws `unauthenticated` for a
 * wrong e-mail or password, `rate-limited` after too many.
 */
export async function startSession(site: Site, visit: Visit, email: string, password: string): Promise<void> {
  const { request, response } = visit
  const { accounts } = site.backends(visit, passwordMs)
  const device = {
    userAgent: String(request.headers['user-agent'] ?? '').slice(0, 500),
    address: (request.socket.remoteAddress ?? '').slice(0, 64),
  }
  const { token, session } = await accounts.createSession({ body: { email, password, device } })
  const before = site.state(request).token
  if (before) {
    site.sessions.forget(before)
    await accounts.endSession({ body: { token: before } }).catch(() => null)
  }
  const mode = cookieMode(request, site.settings.webUrl)
  clearCookie(response, 'visitor', site.settings.webUrl)
  writeCookie(response, 'session', token, mode, new Date(session.expiresAt))
}

export { passwordMs }

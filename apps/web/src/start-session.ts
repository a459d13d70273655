import type { Visit } from '@asheville/service'
import { deviceOf, keepSession } from './keep-session.ts'
import type { Site } from './site.ts'

/** Milliseconds for a password to be checked: that is slow by design. */
const passwordMs = 8000

/**
 * Signs in: a new session with a new cookie, whatever session there was before is ended. Throws `unauthenticated` for a
 * wrong e-mail or password, `rate-limited` after too many.
 */
export async function startSession(site: Site, visit: Visit, email: string, password: string): Promise<void> {
  const { accounts } = site.backends(visit, passwordMs)
  await keepSession(site, visit, await accounts.createSession({ body: { email, password, device: deviceOf(visit) } }))
}

export { passwordMs }

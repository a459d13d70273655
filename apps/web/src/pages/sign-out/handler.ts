import { page, type Binding } from '@asheville/service'
import { clearCookie } from '../../cookies.ts'
import type { Site } from '../../site.ts'

/** `POST /sign-out`: ends the session everywhere, then forgets the cookie. */
export function signOutPages(site: Site): Binding[] {
  return [
    page('POST', '/sign-out', { who: 'person' }, async (visit) => {
      const { token } = site.state(visit.request)
      if (token) {
        await site.backends(visit).accounts.endSession({ body: { token } })
        site.sessions.forget(token)
      }
      clearCookie(visit.response, 'session', site.settings.webUrl)
      visit.response.set('clear-site-data', '"cache"')
      site.redirect(visit, '/')
    }),
  ]
}

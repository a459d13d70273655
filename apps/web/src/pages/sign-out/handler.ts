import { kindOf } from '@asheville/core'
import { page, type Binding } from '@asheville/service'
import { clearCookie } from '../../cookies.ts'
import type { Site } from '../../site.ts'

/** `POST /sign-out`: ends the session everywhere, then forgets the cookie; forgets it also where the session cannot be ended now. */
export function signOutPages(site: Site): Binding[] {
  return [
    page('POST', '/sign-out', { who: 'person' }, async (visit) => {
      const state = site.state(visit.request)
      const { token, isApp } = state
      if (token) {
        try {
          await site.backends(visit).accounts.endSession({ body: { token } })
        } catch (error) {
          if (kindOf(error) !== 'unavailable' || isApp) throw error
          // Whoever leaves a browser that others use must not stay signed in there because a database is away.
          clearCookie(visit.response, 'session', site.settings.webUrl)
          state.session = null
          const { t } = site.texts(visit)
          return site.show(visit, { view: 'pages/sign-out/half.ejs', title: t('sign-out.half-title'), status: 503, model: {} })
        }
        site.sessions.forget(token)
      }
      clearCookie(visit.response, 'session', site.settings.webUrl)
      clearCookie(visit.response, 'unlock', site.settings.webUrl)
      visit.response.set('clear-site-data', '"cache"')
      site.redirect(visit, '/')
    }),
  ]
}

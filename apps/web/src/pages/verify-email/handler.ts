import { kindOf } from '@asheville/core'
import { page, type Binding, type Visit } from '@asheville/service'
import { faultsOf, statusOf } from '../../form-faults.ts'
import { forgetMailedToken, keepMailedToken, mailedToken } from '../../mailed-link.ts'
import type { Site } from '../../site.ts'

const path = '/verify-email'

type State = { name: 'ask' } | { name: 'done' } | { name: 'failed'; text: string }

/** `/verify-email?token=…`, from a mail: a button, since programs that only look at links must not answer for a person. */
export function verifyEmailPages(site: Site): Binding[] {
  const show = (visit: Visit, state: State, status = 200) => {
    const { t } = site.texts(visit)
    visit.response.set('referrer-policy', 'no-referrer')
    const model = { state }
    site.show(visit, { view: 'pages/verify-email/view.ejs', title: t('verify.title'), model, status, hasForm: true, hasScenery: true })
  }

  return [
    page('GET', path, { who: 'visitor' }, async (visit) => {
      if (keepMailedToken(site, visit, 'verification', path)) return
      if (visit.query.done === 'yes') return show(visit, { name: 'done' })
      if (mailedToken(site, visit, 'verification') === null) return site.redirect(visit, '/settings/profile')
      show(visit, { name: 'ask' })
    }),
    page('POST', path, { who: 'visitor' }, async (visit) => {
      const { t } = site.texts(visit)
      const linkToken = mailedToken(site, visit, 'verification')
      if (linkToken === null) return site.redirect(visit, '/settings/profile')
      try {
        await site.backends(visit).accounts.verifyEmail({ body: { linkToken } })
      } catch (error) {
        if (kindOf(error) !== 'unavailable') forgetMailedToken(site, visit, 'verification')
        const text = kindOf(error) === 'not-found' ? t('link.dead') : (faultsOf(error, [], t).whole ?? t('link.dead'))
        return show(visit, { name: 'failed', text }, kindOf(error) === 'not-found' ? 422 : statusOf(error))
      }
      forgetMailedToken(site, visit, 'verification')
      const { token } = site.state(visit.request)
      if (token) site.sessions.forget(token)
      site.redirect(visit, `${path}?done=yes`)
    }),
  ]
}

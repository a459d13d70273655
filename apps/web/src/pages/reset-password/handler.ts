import { kindOf } from '@asheville/core'
import { page, type Binding, type Visit } from '@asheville/service'
import { clearCookie } from '../../cookies.ts'
import { faultsOf, type FormFaults, noFaults, statusOf, textOf } from '../../form-faults.ts'
import { forgetMailedToken, keepMailedToken, mailedToken } from '../../mailed-link.ts'
import type { Site } from '../../site.ts'
import { passwordMs } from '../../start-session.ts'

const path = '/reset-password'

/** `/reset-password?token=…`, from a mail or from the operator: a new password, once. */
export function resetPasswordPages(site: Site): Binding[] {
  const show = (visit: Visit, state: 'form' | 'dead', faults: FormFaults, status = 200) => {
    const { t } = site.texts(visit)
    const model = { state, faults }
    visit.response.set('referrer-policy', 'no-referrer')
    site.show(visit, { view: 'pages/reset-password/view.ejs', title: t('reset.title'), model, status, hasForm: true, hasScenery: true })
  }

  return [
    page('GET', path, { who: 'visitor' }, async (visit) => {
      if (keepMailedToken(site, visit, 'reset', path)) return
      if (mailedToken(site, visit, 'reset') === null) return site.redirect(visit, '/forgot-password')
      show(visit, 'form', noFaults)
    }),
    page('POST', path, { who: 'visitor' }, async (visit) => {
      const { t } = site.texts(visit)
      const linkToken = mailedToken(site, visit, 'reset')
      if (linkToken === null) return site.redirect(visit, '/forgot-password')
      const password = textOf(visit.form, 'password')
      if (password.length < 10)
        return show(visit, 'form', { fields: { password: t('form.password-short', { count: 10 }) }, whole: null }, 422)
      try {
        await site.backends(visit, passwordMs).accounts.resetPassword({ body: { linkToken, password } })
      } catch (error) {
        if (kindOf(error) !== 'not-found') return show(visit, 'form', faultsOf(error, ['password'], t), statusOf(error))
        forgetMailedToken(site, visit, 'reset')
        return show(visit, 'dead', noFaults, 422)
      }
      forgetMailedToken(site, visit, 'reset')
      const { token } = site.state(visit.request)
      if (token) {
        site.sessions.forget(token)
        clearCookie(visit.response, 'session', site.settings.webUrl)
      }
      site.redirect(visit, '/sign-in?done=password')
    }),
  ]
}

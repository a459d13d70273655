import { page, type Binding, type Visit } from '@asheville/service'
import { faultsOf, type FormFaults, noFaults, statusOf, textOf } from '../../form-faults.ts'
import { sessionOf, type Site } from '../../site.ts'
import { passwordMs } from '../../start-session.ts'

const path = '/settings/password'

/** `/settings/password`: change it, or set the first; all other browsers are signed out. */
export function passwordPages(site: Site): Binding[] {
  const show = async (visit: Visit, faults: FormFaults, status = 200) => {
    const { t } = site.texts(visit)
    const profile = await site.backends(visit).accounts.getProfile({ userId: sessionOf(site, visit).user.id })
    const model = { profile, faults, isDone: visit.query.done === 'yes' }
    site.show(visit, { view: 'pages/password/view.ejs', title: t('password.title'), nav: 'settings', model, status })
  }

  return [
    page('GET', path, { who: 'person' }, (visit) => show(visit, noFaults)),
    page('POST', path, { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const { id: sessionId, user } = sessionOf(site, visit)
      const password = textOf(visit.form, 'password')
      if (password.length < 10) return show(visit, { fields: { password: t('form.password-short', { count: 10 }) }, whole: null }, 422)
      const current = textOf(visit.form, 'current') || null
      try {
        await site.backends(visit, passwordMs).accounts.changePassword({ userId: user.id, body: { current, password, sessionId } })
      } catch (error) {
        return show(visit, faultsOf(error, ['current', 'password'], t), statusOf(error))
      }
      site.redirect(visit, `${path}?done=yes`)
    }),
  ]
}

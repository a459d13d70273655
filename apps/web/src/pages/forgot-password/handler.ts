import { page, type Binding, type Visit } from '@asheville/service'
import { faultsOf, type FormFaults, noFaults, statusOf, textOf } from '../../form-faults.ts'
import { deviceOf } from '../../keep-session.ts'
import type { Site } from '../../site.ts'

/** `/forgot-password`: asks for a mail that lets a new password be set. It never tells who has an account. */
export function forgotPasswordPages(site: Site): Binding[] {
  const show = (visit: Visit, state: 'form' | 'sent' | 'no-mail', email: string, faults: FormFaults, status = 200) => {
    const { t } = site.texts(visit)
    const model = { state, email, faults }
    site.show(visit, { view: 'pages/forgot-password/view.ejs', title: t('forgot.title'), model, status, hasForm: true, hasScenery: true })
  }

  return [
    page('GET', '/forgot-password', { who: 'visitor' }, async (visit) => {
      if (visit.query.done === 'sent') return show(visit, 'sent', '', noFaults)
      const { sendsMail } = await site.backends(visit).accounts.getSetup({})
      show(visit, sendsMail ? 'form' : 'no-mail', '', noFaults)
    }),
    page('POST', '/forgot-password', { who: 'visitor' }, async (visit) => {
      const { t } = site.texts(visit)
      const email = textOf(visit.form, 'email').trim()
      if (!/^\S+@\S+\.\S+$/.test(email)) return show(visit, 'form', email, { fields: { email: t('form.email-missing') }, whole: null }, 422)
      const { address } = deviceOf(visit)
      try {
        await site.backends(visit).accounts.requestPasswordReset({ body: { email, address } })
      } catch (error) {
        return show(visit, 'form', email, faultsOf(error, ['email'], t), statusOf(error))
      }
      site.redirect(visit, '/forgot-password?done=sent')
    }),
  ]
}

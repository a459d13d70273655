import { page, type Binding, type Visit } from '@asheville/service'
import { faultsOf, type FormFaults, noFaults, statusOf, textOf } from '../../form-faults.ts'
import { locales } from '../../i18n.ts'
import { sessionOf, type Site } from '../../site.ts'
import { passwordMs } from '../../start-session.ts'

const path = '/settings/profile'
const notices = ['saved', 'sent', 'changed'] as const

interface Typed {
  name?: string
  email?: string
  about?: FormFaults
  mail?: FormFaults
}

/** `/settings/profile`: name, language, and the e-mail address with whether it is verified. */
export function profilePages(site: Site): Binding[] {
  const show = async (visit: Visit, { name, email = '', about = noFaults, mail = noFaults }: Typed, status = 200) => {
    const { t } = site.texts(visit)
    const { user } = sessionOf(site, visit)
    const profile = await site.backends(visit).accounts.getProfile({ userId: user.id })
    const names = new Intl.DisplayNames(profile.locale, { type: 'language' })
    const model = {
      profile,
      notice: notices.find((notice) => notice === visit.query.done) ?? null,
      languages: locales.map((code) => ({ code, title: names.of(code) ?? code, isChosen: profile.locale.startsWith(code) })),
      values: { name: name ?? profile.name, email },
      about,
      mail,
    }
    site.show(visit, { view: 'pages/profile/view.ejs', title: t('profile.title'), nav: 'settings', model, status })
  }

  const changed = (visit: Visit, notice: (typeof notices)[number]) => {
    const { token } = site.state(visit.request)
    if (token) site.sessions.forget(token)
    site.redirect(visit, `${path}?done=${notice}`)
  }

  return [
    page('GET', path, { who: 'person' }, (visit) => show(visit, {})),
    page('POST', path, { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const name = textOf(visit.form, 'name').trim()
      if (name === '') return show(visit, { name, about: { fields: { name: t('form.name-missing') }, whole: null } }, 422)
      const locale = locales.find((code) => code === textOf(visit.form, 'locale'))
      try {
        const body = { name, ...(locale === undefined ? {} : { locale }) }
        await site.backends(visit).accounts.updateUser({ userId: sessionOf(site, visit).user.id, body })
      } catch (error) {
        return show(visit, { name, about: faultsOf(error, ['name'], t) }, statusOf(error))
      }
      changed(visit, 'saved')
    }),
    page('POST', `${path}/email`, { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const email = textOf(visit.form, 'email').trim()
      if (!/^\S+@\S+\.\S+$/.test(email))
        return show(visit, { email, mail: { fields: { email: t('form.email-missing') }, whole: null } }, 422)
      const { id: sessionId, user } = sessionOf(site, visit)
      const current = textOf(visit.form, 'current') || null
      try {
        const { accounts } = site.backends(visit, passwordMs)
        const { outcome } = await accounts.changeEmail({ userId: user.id, body: { email, current, sessionId } })
        changed(visit, outcome)
      } catch (error) {
        return show(visit, { email, mail: faultsOf(error, ['email', 'current'], t) }, statusOf(error))
      }
    }),
    page('POST', `${path}/verification`, { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      try {
        await site.backends(visit).accounts.sendVerification({ userId: sessionOf(site, visit).user.id, body: {} })
      } catch (error) {
        return show(visit, { mail: faultsOf(error, [], t) }, statusOf(error))
      }
      changed(visit, 'sent')
    }),
  ]
}

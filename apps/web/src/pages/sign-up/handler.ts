import { page, type Binding, type Visit } from '@asheville/service'
import { faultsOf, type FormFaults, noFaults, statusOf, textOf } from '../../form-faults.ts'
import { deviceOf } from '../../keep-session.ts'
import { signInStorages } from '../../sign-in/sign-in-storages.ts'
import type { Site } from '../../site.ts'
import { passwordMs, startSession } from '../../start-session.ts'

type Kind = 'welcome' | 'sign-up'
const fieldNames = ['name', 'email', 'password'] as const

/** `/welcome` makes the owner's account while there is none; `/sign-up` anybody's, where the owner has opened that. */
export function signUpPages(site: Site): Binding[] {
  const show = async (visit: Visit, kind: Kind, values: { name: string; email: string }, faults: FormFaults, status = 200) => {
    const { t } = site.texts(visit)
    const model = { kind, values, faults, storages: await signInStorages(site, visit) }
    site.show(visit, { view: 'pages/sign-up/view.ejs', title: t(`${kind}.title`), model, status, hasForm: true, hasScenery: true })
  }

  /** Where this person is to go instead, or null. */
  const elsewhere = async (visit: Visit & { person: unknown }, kind: Kind): Promise<string | null> => {
    if (visit.person) return '/status'
    const { hasOwner, signUpOpen } = await site.backends(visit).accounts.getSetup({})
    if (kind === 'welcome') return hasOwner ? '/sign-in' : null
    return hasOwner ? (signUpOpen ? null : '/sign-in') : '/welcome'
  }

  return (['welcome', 'sign-up'] as const).flatMap((kind) => [
    page('GET', `/${kind}`, { who: 'visitor' }, async (visit) => {
      const other = await elsewhere(visit, kind)
      if (other) return site.redirect(visit, other)
      await show(visit, kind, { name: '', email: '' }, noFaults)
    }),
    page('POST', `/${kind}`, { who: 'visitor' }, async (visit) => {
      const other = await elsewhere(visit, kind)
      if (other) return site.redirect(visit, other)
      const { t, locale } = site.texts(visit)
      const values = { name: textOf(visit.form, 'name').trim(), email: textOf(visit.form, 'email').trim() }
      const password = textOf(visit.form, 'password')
      const fields = missing({ ...values, password }, t)
      if (Object.keys(fields).length > 0) return show(visit, kind, values, { fields, whole: null }, 422)
      try {
        await site
          .backends(visit, passwordMs)
          .accounts.createUser({ body: { ...values, password, locale, address: deviceOf(visit).address } })
      } catch (error) {
        return show(visit, kind, values, faultsOf(error, fieldNames, t), statusOf(error))
      }
      await startSession(site, visit, values.email, password)
      site.redirect(visit, '/connect')
    }),
  ])
}

/** What accounts would refuse as well, said in the person's language. */
function missing(values: Record<(typeof fieldNames)[number], string>, t: (key: string, params?: { count: number }) => string) {
  const fields: Record<string, string> = {}
  if (values.name === '') fields.name = t('form.name-missing')
  if (!/^\S+@\S+\.\S+$/.test(values.email)) fields.email = t('form.email-missing')
  if (values.password.length < 10) fields.password = t('form.password-short', { count: 10 })
  return fields
}

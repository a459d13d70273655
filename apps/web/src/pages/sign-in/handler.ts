import { kindOf } from '@asheville/core'
import { page, type Binding, type Visit } from '@asheville/service'
import { faultsOf, type FormFaults, noFaults, statusOf, textOf } from '../../form-faults.ts'
import { keepSession } from '../../keep-session.ts'
import { passkeyOrigin, passkeyScripts } from '../../passkey-support.ts'
import { safeReturnTo } from '../../return-to.ts'
import type { Site } from '../../site.ts'
import { passwordStrategy, type SignIn } from '../../sign-in/passport.ts'
import { signInStorages } from '../../sign-in/sign-in-storages.ts'

/** `/sign-in`: e-mail and password, and the other ways in. */
export function signInPages(site: Site, signIn: SignIn): Binding[] {
  const show = async (
    visit: Visit,
    values: { email: string; returnTo: string | null },
    faults: FormFaults,
    status = 200,
    signUpOpen = false,
  ) => {
    const { t } = site.texts(visit)
    const model = {
      values,
      faults,
      signUpOpen,
      isReset: visit.query.done === 'password',
      passkeyOrigin: passkeyOrigin(site),
      storages: await signInStorages(site, visit),
    }
    site.show(visit, {
      view: 'pages/sign-in/view.ejs',
      title: t('sign-in.title'),
      scripts: passkeyScripts(site),
      model,
      status,
      hasForm: true,
      hasScenery: true,
    })
  }

  return [
    page('GET', '/sign-in', { who: 'visitor' }, async (visit) => {
      const returnTo = safeReturnTo(visit.query.returnTo)
      if (visit.person) return site.redirect(visit, returnTo ?? '/status')
      const setup = await site
        .backends(visit)
        .accounts.getSetup({})
        .catch((error: unknown) => {
          if (kindOf(error) !== 'unavailable') throw error
          return null
        })
      if (setup?.hasOwner === false) return site.redirect(visit, '/welcome')
      if (setup) return show(visit, { email: '', returnTo }, noFaults, 200, setup.signUpOpen)
      const { t } = site.texts(visit)
      await show(visit, { email: '', returnTo }, { fields: {}, whole: t('sign-in.impossible') }, 503)
    }),
    page('POST', '/sign-in', { who: 'visitor' }, async (visit) => {
      const { t } = site.texts(visit)
      const email = textOf(visit.form, 'email').trim()
      const returnTo = safeReturnTo(textOf(visit.form, 'returnTo'))
      const fields: Record<string, string> = {}
      if (email === '') fields.email = t('form.email-missing')
      if (textOf(visit.form, 'password') === '') fields.password = t('form.password-missing')
      if (Object.keys(fields).length > 0) return show(visit, { email, returnTo }, { fields, whole: null }, 422)
      try {
        const opened = await signIn(passwordStrategy, { visit, fields: { email }, returnTo, callback: null })
        if (!opened) return
        await keepSession(site, visit, opened)
      } catch (error) {
        const faults =
          kindOf(error) === 'unavailable'
            ? { fields: {}, whole: t('sign-in.impossible') }
            : kindOf(error) === 'unauthenticated'
              ? { fields: {}, whole: t('sign-in.wrong') }
              : faultsOf(error, ['email', 'password'], t)
        return show(visit, { email, returnTo }, faults, statusOf(error))
      }
      site.redirect(visit, returnTo ?? '/status')
    }),
  ]
}

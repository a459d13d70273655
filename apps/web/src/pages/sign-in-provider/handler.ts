import { purposeOfState } from '@asheville/clients'
import { AshevilleError, type Login } from '@asheville/core'
import { page, type Binding, type Visit } from '@asheville/service'
import { faultsOf, type FormFaults, noFaults, statusOf, textOf } from '../../form-faults.ts'
import { keepSession } from '../../keep-session.ts'
import { leaveLink } from '../../leave.ts'
import { safeReturnTo } from '../../return-to.ts'
import { type SignIn, storageStrategy } from '../../sign-in/passport.ts'
import { oauthLogin } from '../../sign-in/sign-in-storages.ts'
import type { Site } from '../../site.ts'
import { callbackOf, finishConnecting } from '../connect-provider/finish.ts'
import { fieldsOf, shownFields } from '../connect-provider/show.ts'
import { finishAdding } from '../identities/finish.ts'

interface Asked {
  values: Record<string, string>
  returnTo: string | null
  faults: FormFaults
}

/** `/sign-in/:provider`: sign in with a storage. It has the one address that browsers come back to from it, whatever for. */
export function signInProviderPages(site: Site, signIn: SignIn): Binding[] {
  return [
    page('GET', '/sign-in/:provider', { who: 'visitor' }, async (visit) => {
      storageOf(site, visit)
      const returnTo = safeReturnTo(visit.query.returnTo)
      if (visit.person) return site.redirect(visit, returnTo ?? '/status')
      show(site, visit, { values: {}, returnTo, faults: noFaults })
    }),
    page('POST', '/sign-in/:provider', { who: 'visitor' }, async (visit) => {
      const { id, login } = storageOf(site, visit)
      const names = fieldsOf(login).map(({ name }) => name)
      const fields = Object.fromEntries(names.map((name) => [name, textOf(visit.form, `field-${name}`).slice(0, 2000)]))
      const returnTo = safeReturnTo(textOf(visit.form, 'returnTo'))
      try {
        await signIn(storageStrategy(id), { visit, fields, returnTo, callback: null })
      } catch (error) {
        const { t } = site.texts(visit)
        show(site, visit, { values: fields, returnTo, faults: faultsOf(error, names, t) }, statusOf(error))
      }
    }),
    page('GET', '/sign-in/:provider/leave', { who: 'visitor' }, async (visit) => {
      const { t } = site.texts(visit)
      const { id } = storageOf(site, visit)
      const to = leaveLink(site, visit, `/sign-in/${id}`)
      const { host } = new URL(to)
      const back = visit.person ? '/settings/identities' : '/sign-in'
      site.show(visit, {
        view: 'pages/connect-provider/leave.ejs',
        title: t('leave.title', { host }),
        goTo: to,
        model: { id, to, host, back },
      })
    }),
    page('GET', '/sign-in/:provider/callback', { who: 'visitor' }, async (visit) => {
      const { id } = storageOf(site, visit)
      const purpose = purposeOfState(visit.query.state)
      if (purpose === 'connect' && visit.person) return finishConnecting(site, visit)
      if (purpose === 'identity' && visit.person) return finishAdding(site, visit, id)
      try {
        const opened = await signIn(storageStrategy(id), { visit, fields: {}, returnTo: null, callback: callbackOf(visit) })
        if (!opened) return
        // Another tab may still be on its way with another storage.
        await keepSession(site, visit, opened, { keepsVisitor: true })
        site.redirect(visit, safeReturnTo(opened.returnTo) ?? (opened.isNew ? '/connect' : '/status'))
      } catch (error) {
        const { t } = site.texts(visit)
        const refused = visit.query.error === 'access_denied' && error instanceof AshevilleError && error.kind === 'invalid'
        const faults = refused ? { fields: {}, whole: t('sign-in.declined') } : faultsOf(error, [], t)
        show(site, visit, { values: {}, returnTo: null, faults }, refused ? 200 : statusOf(error))
      }
    }),
  ]
}

function show(site: Site, visit: Visit, { values, returnTo, faults }: Asked, status = 200): void {
  const { t } = site.texts(visit)
  const { id, title, login } = storageOf(site, visit)
  site.show(visit, {
    view: 'pages/sign-in-provider/view.ejs',
    title: t('sign-in.with', { storage: title }),
    status,
    hasForm: true,
    hasScenery: true,
    model: { id, title, fields: shownFields(login, values, faults), returnTo, fault: faults.whole },
  })
}

function storageOf(site: Site, { params }: Pick<Visit, 'params'>): { id: string; title: string; login: Login } {
  const found = site.storages.find(({ id }) => id === params.provider)
  const login = found && oauthLogin(found)
  if (!found || !login) throw new AshevilleError('not-found', 'Nobody can sign in with that')
  return { id: found.id, title: found.title, login }
}

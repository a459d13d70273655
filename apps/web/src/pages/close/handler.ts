import { randomBytes } from 'node:crypto'
import { kindOf } from '@asheville/core'
import { page, type Binding, type Visit } from '@asheville/service'
import { clearCookie } from '../../cookies.ts'
import { faultsOf, type FormFaults, noFaults, statusOf, textOf } from '../../form-faults.ts'
import { sessionOf, type Site } from '../../site.ts'
import { passwordMs } from '../../start-session.ts'

const path = '/settings/close'

/** `/settings/close`: what happens when an account is closed, what stays, and the button that does it. */
export function closePages(site: Site): Binding[] {
  const show = async (visit: Visit, faults: FormFaults, status = 200) => {
    const { t } = site.texts(visit)
    const { user } = sessionOf(site, visit)
    const { accounts } = site.backends(visit)
    const [profile, { connections }, totals] = await Promise.all([
      accounts.getProfile({ userId: user.id }),
      accounts.listConnections({ userId: user.id, query: {} }),
      accounts.getTotals({}),
    ])
    const storages = connections.filter(({ kind }) => kind === 'storage')
    const model = {
      profile,
      faults,
      networks: connections.filter(({ kind }) => kind === 'network').map(({ provider, handle }) => ({ provider, handle })),
      storages: storages.map(({ provider, title }) => ({ provider, title, isOurs: provider === 'local' })),
      /** Whoever runs the server finds the files by it. */
      folder: storages.some(({ provider }) => provider === 'local') ? `${user.id}/Asheville` : null,
      removes: textOf(visit.form, 'files') === 'remove',
      isHeld: user.role === 'owner' && totals.people > 1,
      isOwner: user.role === 'owner',
    }
    site.show(visit, { view: 'pages/close/view.ejs', title: t('close.title'), nav: 'settings', model, status })
  }

  return [
    page('GET', path, { who: 'person' }, (visit) => show(visit, noFaults)),
    page('POST', path, { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const { id: sessionId, user } = sessionOf(site, visit)
      const linkToken = randomBytes(32).toString('base64url')
      const current = textOf(visit.form, 'current') || null
      const body = { current, sessionId, linkToken, removesFiles: textOf(visit.form, 'files') === 'remove' }
      const { accounts } = site.backends(visit, passwordMs)
      const close = () => accounts.closeAccount({ userId: user.id, body })
      try {
        // An answer that was lost must not leave the person signed out and without the link: with the same link, it is done once.
        await close().catch((error: unknown) => {
          if (kindOf(error) !== 'unavailable') throw error
          return close()
        })
      } catch (error) {
        return show(visit, faultsOf(error, ['current'], t), statusOf(error))
      }
      const { token } = site.state(visit.request)
      if (token) site.sessions.forget(token)
      clearCookie(visit.response, 'session', site.settings.webUrl)
      visit.response.set('clear-site-data', '"cache", "storage"').set('referrer-policy', 'no-referrer')
      site.redirect(visit, `/closed/${linkToken}`)
    }),
  ]
}

import { AshevilleError } from '@asheville/core'
import { page, type Binding } from '@asheville/service'
import { faultsOf, statusOf, textOf } from '../../form-faults.ts'
import { leaveAddress } from '../../leave.ts'
import { oauthLogin } from '../../sign-in/sign-in-storages.ts'
import { sessionOf, type Site } from '../../site.ts'
import { connectMs, fieldsOf } from '../connect-provider/show.ts'
import { showIdentities } from './show.ts'

/** `/settings/identities`: the ways to sign in; one more, or one less. */
export function identitiesPages(site: Site): Binding[] {
  return [
    page('GET', '/settings/identities', { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const { done } = visit.query
      const told = done === 'added' ? t('identities.added') : done === 'removed' ? t('identities.removed') : null
      await showIdentities(site, visit, { fault: null, done: told })
    }),
    page('POST', '/settings/identities', { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const session = sessionOf(site, visit)
      const storage = site.storages.find(({ id }) => id === textOf(visit.form, 'provider'))
      const login = storage && oauthLogin(storage)
      if (!storage || !login) throw new AshevilleError('not-found', 'Nobody can sign in with that')
      const names = fieldsOf(login).map(({ name }) => name)
      const values = Object.fromEntries(names.map((name) => [name, textOf(visit.form, `field-${name}`).slice(0, 2000)]))
      const { accounts } = site.backends(visit, connectMs)
      try {
        const body = { provider: storage.id, fields: values, sessionId: session.id }
        const { url } = await accounts.beginIdentity({ body, userId: session.user.id })
        site.redirect(visit, leaveAddress(site, visit, `/sign-in/${storage.id}`, url))
      } catch (error) {
        const faults = faultsOf(error, names, t)
        await showIdentities(site, visit, { fault: faults.whole, done: null, sent: { id: storage.id, values, faults } }, statusOf(error))
      }
    }),
    page('POST', '/settings/identities/:id/remove', { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const { user } = sessionOf(site, visit)
      const identityId = visit.params.id ?? ''
      if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(identityId))
        throw new AshevilleError('not-found', 'There is no such way to sign in')
      try {
        await site.backends(visit).accounts.removeIdentity({ params: { identityId }, userId: user.id })
      } catch (error) {
        if (!(error instanceof AshevilleError) || error.kind !== 'conflict') throw error
        return showIdentities(site, visit, { fault: faultsOf(error, [], t).whole, done: null }, 409)
      }
      site.redirect(visit, '/settings/identities?done=removed')
    }),
  ]
}

import { AshevilleError } from '@asheville/core'
import type { Visit } from '@asheville/service'
import { faultsOf, statusOf } from '../../form-faults.ts'
import { sessionOf, type Site } from '../../site.ts'
import { callbackOf } from '../connect-provider/finish.ts'
import { connectMs } from '../connect-provider/show.ts'
import { showIdentities } from './show.ts'

/** The browser came back from the storage that is to be one more way to sign in. */
export async function finishAdding(site: Site, visit: Visit, provider: string): Promise<void> {
  const { t } = site.texts(visit)
  const session = sessionOf(site, visit)
  const { accounts } = site.backends(visit, connectMs)
  try {
    await accounts.finishIdentity({ body: { provider, sessionId: session.id, callback: callbackOf(visit) }, userId: session.user.id })
    site.redirect(visit, '/settings/identities?done=added')
  } catch (error) {
    const refused = visit.query.error === 'access_denied' && error instanceof AshevilleError && error.kind === 'invalid'
    const fault = refused ? t('identities.declined') : faultsOf(error, [], t).whole
    await showIdentities(site, visit, { fault, done: null }, refused ? 200 : statusOf(error))
  }
}

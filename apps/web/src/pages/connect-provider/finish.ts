import type { Connection } from '@asheville/clients'
import { AshevilleError, kindOf } from '@asheville/core'
import type { Visit } from '@asheville/service'
import { faultsOf, statusOf } from '../../form-faults.ts'
import { sessionOf, type Site } from '../../site.ts'
import { startSync } from '../../start-sync.ts'
import { connectMs, providerOf, showConnect } from './show.ts'

/** At most this many parameters of an answer are looked at. */
const maxParameters = 20

export function callbackOf({ query }: Pick<Visit, 'query'>): Record<string, string> {
  return Object.fromEntries(Object.entries(query).slice(0, maxParameters))
}

/** The browser came back from an authorisation server: the connection is made, or why not is said. */
export async function finishConnecting(site: Site, visit: Visit): Promise<void> {
  const { t } = site.texts(visit)
  const session = sessionOf(site, visit)
  const { id } = providerOf(site, visit)
  const { accounts } = site.backends(visit, connectMs)
  const body = { provider: id, sessionId: session.id, callback: callbackOf(visit) }
  try {
    const { connection } = await accounts.finishConnect({ body, userId: session.user.id })
    await goOn(site, visit, connection)
  } catch (error) {
    if (await offerSecond(site, visit, error)) return
    const refused = visit.query.error === 'access_denied' && kindOf(error) === 'invalid'
    const faults = refused ? { fields: {}, whole: t('connect.declined') } : faultsOf(error, [], t)
    await showConnect(site, visit, { values: {}, reconnects: null, faults }, refused ? 200 : statusOf(error))
  }
}

/** What was connected is synced at once, unless that costs: then the person sees first what. A storage is shown among their own. */
export async function goOn(site: Site, visit: Visit, { id, kind, state }: Connection): Promise<void> {
  if (kind === 'storage') return site.redirect(visit, '/settings')
  if (state === 'paused') return site.redirect(visit, `/connections/${id}/start`)
  await startSync(site, visit, sessionOf(site, visit).user.id, id, 'connect')
  site.redirect(visit, '/status')
}

/** Another account than the one to be reconnected: asks whether it is to be added. False when that is not what went wrong. */
export async function offerSecond(site: Site, visit: Visit, error: unknown): Promise<boolean> {
  if (!(error instanceof AshevilleError) || error.kind !== 'conflict') return false
  const { t } = site.texts(visit)
  const session = sessionOf(site, visit)
  const { id, title } = providerOf(site, visit)
  const query = { provider: id, sessionId: session.id }
  const parked = await site
    .backends(visit)
    .accounts.getParked({ query, userId: session.user.id })
    .catch((failure: unknown) => {
      if (kindOf(failure) === 'not-found') return null
      throw failure
    })
  if (!parked) return false
  site.show(visit, {
    view: 'pages/connect-provider/second.ejs',
    title: t('connect.second-title', { handle: parked.handle }),
    nav: 'connect',
    status: 409,
    model: { id, title, parked, reason: error.message },
  })
  return true
}

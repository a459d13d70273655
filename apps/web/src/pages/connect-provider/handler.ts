import { AshevilleError, kindOf } from '@asheville/core'
import { page, type Binding, type Visit } from '@asheville/service'
import type { Connection } from '@asheville/clients'
import { faultsOf, noFaults, statusOf, textOf } from '../../form-faults.ts'
import { leaveAddress, leaveLink } from '../../leave.ts'
import { sessionOf, type Site } from '../../site.ts'
import { finishConnecting, goOn, offerSecond } from './finish.ts'
import { finishApproval, showApproval } from './approval.ts'
import { connectMs, fieldsOf, providerOf, showConnect } from './show.ts'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** `/connect/:provider`: the form that the adapter declares, the way to an authorisation server and back. */
export function connectProviderPages(site: Site): Binding[] {
  return [
    page('GET', '/connect/:provider', { who: 'person' }, async (visit) => {
      providerOf(site, visit)
      const reconnects = await reconnectedBy(site, visit, visit.query.reconnects ?? '')
      const values = reconnects ? { ...reconnects.fields, ...serverField(site, visit, reconnects) } : {}
      await showConnect(site, visit, { values, reconnects, faults: noFaults })
    }),
    page('POST', '/connect/:provider', { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const session = sessionOf(site, visit)
      const { id, login } = providerOf(site, visit)
      const names = fieldsOf(login).map(({ name }) => name)
      const fields = Object.fromEntries(names.map((name) => [name, textOf(visit.form, `field-${name}`).slice(0, 2000)]))
      const reconnects = await reconnectedBy(site, visit, textOf(visit.form, 'reconnects'))
      const storageId = await storageBy(site, visit, textOf(visit.form, 'storage'))
      const values = { ...fields, ...(storageId !== null && { storage: storageId }) }
      const missing = fieldsOf(login).filter(({ name, optional }) => !optional && fields[name]?.trim() === '')
      if (missing.length > 0) {
        const faults = Object.fromEntries(missing.map(({ name, label }) => [name, t('form.field-missing', { field: label })]))
        return showConnect(site, visit, { values, reconnects, faults: { fields: faults, whole: null } }, 422)
      }
      const body = { provider: id, fields, sessionId: session.id, reconnects: reconnects?.id ?? null, storageId }
      const { accounts } = site.backends(visit, connectMs)
      const begun = await accounts.beginConnect({ body, userId: session.user.id }).catch((error: unknown) => error)
      if (begun instanceof Error) {
        if (await offerSecond(site, visit, begun)) return
        return showConnect(site, visit, { values, reconnects, faults: faultsOf(begun, names, t) }, statusOf(begun))
      }
      const next = begun as Awaited<ReturnType<typeof accounts.beginConnect>>
      if (next.next === 'connected') return goOn(site, visit, next.connection)
      if (next.next === 'approve') return showApproval(site, visit, next)
      site.redirect(visit, leaveAddress(site, visit, `/connect/${id}`, next.url))
    }),
    page('GET', '/connect/:provider/leave', { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const { id } = providerOf(site, visit)
      const to = leaveLink(site, visit, `/connect/${id}`)
      const { host } = new URL(to)
      site.show(visit, {
        view: 'pages/connect-provider/leave.ejs',
        title: t('leave.title', { host }),
        nav: 'connect',
        goTo: to,
        model: { id, to, host, back: `/connect/${id}` },
      })
    }),
    page('GET', '/connect/:provider/callback', { who: 'person' }, (visit) => finishConnecting(site, visit)),
    page('POST', '/connect/:provider/approved', { who: 'person' }, (visit) => finishApproval(site, visit)),
    page('POST', '/connect/:provider/second', { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const session = sessionOf(site, visit)
      providerOf(site, visit)
      const parkedId = textOf(visit.form, 'parked')
      if (!uuid.test(parkedId)) throw new AshevilleError('not-found', 'There is no such offer')
      const { accounts } = site.backends(visit)
      try {
        const { connection } = await accounts.connectParked({ body: { parkedId, sessionId: session.id }, userId: session.user.id })
        await goOn(site, visit, connection)
      } catch (error) {
        if (kindOf(error) !== 'not-found') throw error
        const faults = { fields: {}, whole: t('connect.second-ended') }
        await showConnect(site, visit, { values: {}, reconnects: null, faults }, 404)
      }
    }),
  ]
}

/** The person's own connection that is to be authorised again; null where none is named. Foreign ones are `not-found`. */
async function reconnectedBy(site: Site, visit: Visit, id: string): Promise<Connection | null> {
  if (id === '') return null
  if (!uuid.test(id)) throw new AshevilleError('not-found', 'There is no such connection')
  const userId = sessionOf(site, visit).user.id
  return site.backends(visit).accounts.getConnection({ params: { connectionId: id }, userId })
}

/** The person's own storage that was chosen; null where none was. */
async function storageBy(site: Site, visit: Visit, id: string): Promise<string | null> {
  const storage = await reconnectedBy(site, visit, id)
  if (storage && storage.kind !== 'storage') throw new AshevilleError('not-found', 'There is no such storage')
  return storage?.id ?? null
}

/** For networks of many servers, the one field is the server, which is known when reconnecting. */
function serverField(site: Site, visit: Visit, { server }: Connection): Record<string, string> {
  const { login } = providerOf(site, visit)
  return login.kind === 'oauth2-per-server' && server ? { [login.fields[0].name]: new URL(server).host } : {}
}

import { AshevilleError, type Field, type Login } from '@asheville/core'
import { page, type Binding, type Visit } from '@asheville/service'
import type { Connection } from '@asheville/clients'
import { isSame, sign } from '../../forgery.ts'
import { faultsOf, type FormFaults, noFaults, statusOf, textOf } from '../../form-faults.ts'
import { webLink } from '../../network-html.ts'
import { sessionOf, type Site } from '../../site.ts'
import { startSync } from '../../start-sync.ts'

/** Connecting asks servers that nobody here knows; they get this long. */
const connectMs = 25_000
const leaveWithinMs = 10 * 60_000

interface Asked {
  values: Record<string, string>
  reconnects: Connection | null
  faults: FormFaults
}

/** `/connect/:provider`: the form that the adapter declares, the way to an authorisation server and back. */
export function connectProviderPages(site: Site): Binding[] {
  const { secret, webUrl } = site.settings

  const show = (visit: Visit, { values, reconnects, faults }: Asked, status = 200) => {
    const { t } = site.texts(visit)
    const { id, title, description, login } = providerOf(site, visit)
    const fields = fieldsOf(login).map((field) => ({
      ...field,
      // Never a password, whatever was typed.
      value: field.kind === 'password' ? '' : (values[field.name] ?? field.default ?? ''),
      fault: faults.fields[field.name] ?? null,
    }))
    site.show(visit, {
      view: 'pages/connect-provider/view.ejs',
      title: t(reconnects ? 'connect.reconnect-title' : 'connect.provider-title', { network: title }),
      nav: 'connect',
      status,
      model: { id, title, description, fields, leaves: login.kind !== 'fields', fault: faults.whole, reconnects },
    })
  }

  return [
    page('GET', '/connect/:provider', { who: 'person' }, async (visit) => {
      providerOf(site, visit)
      const reconnects = await reconnectedBy(site, visit, visit.query.reconnects ?? '')
      show(visit, {
        values: reconnects ? { ...reconnects.fields, ...serverField(site, visit, reconnects) } : {},
        reconnects,
        faults: noFaults,
      })
    }),
    page('POST', '/connect/:provider', { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const session = sessionOf(site, visit)
      const { id, login } = providerOf(site, visit)
      const names = fieldsOf(login).map(({ name }) => name)
      const fields = Object.fromEntries(names.map((name) => [name, textOf(visit.form, `field-${name}`).slice(0, 2000)]))
      const reconnects = await reconnectedBy(site, visit, textOf(visit.form, 'reconnects'))
      const missing = fieldsOf(login).filter(({ name, optional }) => !optional && fields[name]?.trim() === '')
      if (missing.length > 0) {
        const faults = Object.fromEntries(missing.map(({ name, label }) => [name, t('form.field-missing', { field: label })]))
        return show(visit, { values: fields, reconnects, faults: { fields: faults, whole: null } }, 422)
      }
      const body = { provider: id, fields, sessionId: session.id, reconnects: reconnects?.id ?? null }
      const { accounts } = site.backends(visit, connectMs)
      const begun = await accounts.beginConnect({ body, userId: session.user.id }).catch((error: unknown) => error)
      if (begun instanceof Error) return show(visit, { values: fields, reconnects, faults: faultsOf(begun, names, t) }, statusOf(begun))
      const next = begun as Awaited<ReturnType<typeof accounts.beginConnect>>
      if (next.next === 'connected') {
        await startSync(site, visit, session.user.id, next.connection.id, 'connect')
        return site.redirect(visit, '/status')
      }
      // Browsers hold redirects of a form to `form-action`: the way out is a page of ours that goes on by itself.
      const until = String(Date.now() + leaveWithinMs)
      const signature = sign(secret, 'leave', session.id, id, next.url, until)
      site.redirect(visit, `/connect/${id}/leave?${new URLSearchParams({ to: next.url, until, signature })}`)
    }),
    page('GET', '/connect/:provider/leave', { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const { id, title } = providerOf(site, visit)
      const { to = '', until = '', signature = '' } = visit.query
      const link = webLink(to)
      const isOurs = isSame(signature, sign(secret, 'leave', sessionOf(site, visit).id, id, to, until)) && Number(until) > Date.now()
      if (!isOurs || !link) throw new AshevilleError('not-found', 'This link has ended')
      site.show(visit, {
        view: 'pages/connect-provider/leave.ejs',
        title: t('leave.title', { host: new URL(link).host }),
        nav: 'connect',
        goTo: link,
        model: { id, title, to: link, host: new URL(link).host },
      })
    }),
    page('GET', '/connect/:provider/callback', { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const session = sessionOf(site, visit)
      const { id } = providerOf(site, visit)
      const { accounts } = site.backends(visit, connectMs)
      const body = { provider: id, sessionId: session.id, callback: Object.fromEntries(Object.entries(visit.query).slice(0, 20)) }
      const finished = await accounts.finishConnect({ body, userId: session.user.id }).catch((error: unknown) => error)
      if (finished instanceof Error) {
        const refused = visit.query.error === 'access_denied'
        const faults = refused ? { fields: {}, whole: t('connect.declined') } : faultsOf(finished, [], t)
        return show(visit, { values: {}, reconnects: null, faults }, refused ? 200 : statusOf(finished))
      }
      const { connection } = finished as Awaited<ReturnType<typeof accounts.finishConnect>>
      await startSync(site, visit, session.user.id, connection.id, 'connect')
      site.redirect(visit, '/status')
    }),
  ]

  function providerOf(from: Site, { params }: Visit) {
    const found = [...from.networks, ...from.storages].find(({ id }) => id === params.provider)
    const login = found?.logins[0]
    if (!found || !login) throw new AshevilleError('not-found', `Nothing is called so at ${webUrl}`)
    return { ...found, login }
  }
}

function fieldsOf(login: Login): readonly Field[] {
  return login.kind === 'oauth2' ? [] : login.fields
}

/** The person's own connection that is to be authorised again; null where none is named. Foreign ones are `not-found`. */
async function reconnectedBy(site: Site, visit: Visit, id: string): Promise<Connection | null> {
  if (id === '') return null
  if (!/^[0-9a-f-]{36}$/.test(id)) throw new AshevilleError('not-found', 'There is no such connection')
  const userId = sessionOf(site, visit).user.id
  return site.backends(visit).accounts.getConnection({ params: { connectionId: id }, userId })
}

/** For networks of many servers, the one field is the server, which is known when reconnecting. */
function serverField(site: Site, { params }: Visit, { server }: Connection): Record<string, string> {
  const login = site.networks.find(({ id }) => id === params.provider)?.logins[0]
  return login?.kind === 'oauth2-per-server' && server ? { [login.fields[0].name]: new URL(server).host } : {}
}

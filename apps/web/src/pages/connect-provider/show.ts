import type { Connection } from '@asheville/clients'
import { AshevilleError, type Field, type Login } from '@asheville/core'
import type { Visit } from '@asheville/service'
import type { FormFaults } from '../../form-faults.ts'
import { sessionOf, type Site } from '../../site.ts'
import { storageName } from '../../storage-name.ts'

/** Connecting asks servers that nobody here knows; they get this long. */
export const connectMs = 25_000

export interface Asked {
  values: Record<string, string>
  reconnects: Connection | null
  faults: FormFaults
}

/** This server's disk and the like need nothing filled in. */
const nothingToFill: Login = { kind: 'fields', fields: [], signIn: () => Promise.reject(new Error('accounts signs in')) }

/** What the address names, with its way to sign in. `not-found` when it is nothing of ours. */
export function providerOf(site: Site, { params }: Pick<Visit, 'params'>) {
  const isIt = ({ id }: { id: string }) => id === params.provider
  const network = site.networks.find(isIt)
  const storage = site.storages.find(isIt)
  const found = network ?? storage
  const login = found?.logins[0] ?? (storage ? nothingToFill : undefined)
  if (!found || !login) throw new AshevilleError('not-found', `Nothing is called so at ${site.settings.webUrl}`)
  return { ...found, login, kind: network ? ('network' as const) : ('storage' as const) }
}

export function fieldsOf(login: Login): readonly Field[] {
  return login.kind === 'oauth2' ? [] : login.fields
}

/** The fields of a login as a form shows them: with what was typed, but never a password. */
export function shownFields(login: Login, values: Readonly<Record<string, string>>, faults: FormFaults) {
  return fieldsOf(login).map((field) => ({
    ...field,
    value: field.kind === 'password' ? '' : (values[field.name] ?? field.default ?? ''),
    fault: faults.fields[field.name] ?? null,
  }))
}

/** Shows the form by which a network or storage is connected. */
export async function showConnect(site: Site, visit: Visit, { values, reconnects, faults }: Asked, status = 200): Promise<void> {
  const { t } = site.texts(visit)
  const { id, kind, title, description, login } = providerOf(site, visit)
  const storages = kind === 'network' ? await storagesOf(site, visit) : []
  site.show(visit, {
    view: 'pages/connect-provider/view.ejs',
    title: t(reconnects ? 'connect.reconnect-title' : 'connect.provider-title', { network: title }),
    nav: 'connect',
    status,
    model: {
      id,
      kind,
      title,
      description,
      fields: shownFields(login, values, faults),
      leaves: login.kind !== 'fields',
      fault: faults.whole,
      reconnects,
      // With one there is nothing to choose.
      storages: storages.length > 1 ? storages : [],
      storageId: values['storage'] ?? reconnects?.storageId ?? storages[0]?.id,
    },
  })
}

async function storagesOf(site: Site, visit: Visit): Promise<{ id: string; title: string }[]> {
  const { connections } = await site
    .backends(visit)
    .accounts.listConnections({ query: { kind: 'storage' }, userId: sessionOf(site, visit).user.id })
  return connections.map((storage) => ({ id: storage.id, title: storageName(site, storage) }))
}

import type { Connection } from '@asheville/clients'
import { AshevilleError, type ContentType, type Field, type Login } from '@asheville/core'
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
  const [storages, isReady] = await Promise.all([kind === 'network' ? storagesOf(site, visit) : [], isSetUp(site, visit, id, login)])
  // It works; what the person wants is to allow what they did not.
  const allowsMore = reconnects !== null && reconnects.declined.length > 0 && reconnects.state !== 'reconnect'
  const heading = allowsMore ? 'connect.allow-title' : reconnects ? 'connect.reconnect-title' : 'connect.provider-title'
  site.show(visit, {
    view: 'pages/connect-provider/view.ejs',
    title: t(heading, { network: title }),
    nav: 'connect',
    status,
    model: {
      id,
      kind,
      title,
      description,
      setup: isReady ? null : setupOf(kind, id, login),
      reach: reachOf(site, id),
      allowsMore,
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

/** Whether the operator has registered the app that this takes. */
async function isSetUp(site: Site, visit: Visit, id: string, login: Login): Promise<boolean> {
  if (login.kind !== 'oauth2') return true
  const { providers } = await site.backends(visit).accounts.listProviders({})
  return providers.find((provider) => provider.id === id)?.isReady ?? false
}

/** What the operator has to set, and where that is explained. */
function setupOf(kind: 'network' | 'storage', id: string, login: Login) {
  if (login.kind !== 'oauth2') return null
  return { variables: [login.clientIdVariable, login.clientSecretVariable], readme: `libs/${kind}s/src/${id}/README.md` }
}

/** What the network does not give whoever asks, in sentences. */
function reachOf(site: Site, id: string): { contentType: ContentType | undefined; sentence: string }[] {
  const streams = site.networks.find((network) => network.id === id)?.streams ?? []
  return streams.flatMap(({ contentTypes: [contentType], reach }) => (reach ? [{ contentType, sentence: reach }] : []))
}

async function storagesOf(site: Site, visit: Visit): Promise<{ id: string; title: string }[]> {
  const { connections } = await site
    .backends(visit)
    .accounts.listConnections({ query: { kind: 'storage' }, userId: sessionOf(site, visit).user.id })
  return connections.map((storage) => ({ id: storage.id, title: storageName(site, storage) }))
}

import type { Connection } from '@asheville/clients'
import { page, type Binding } from '@asheville/service'
import { sessionOf, type Site } from '../../site.ts'
import { storageName } from '../../storage-name.ts'

/** `/connect`: which networks and storages can be connected, and which are. */
export function connectPages(site: Site): Binding[] {
  return [
    page('GET', '/connect', { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const { user } = sessionOf(site, visit)
      const { accounts } = site.backends(visit)
      const [{ connections }, { providers }] = await Promise.all([
        accounts.listConnections({ query: {}, userId: user.id }),
        accounts.listProviders({}),
      ])
      const own = connections.filter(({ kind }) => kind === 'storage')
      const isReady = (id: string) => providers.find((provider) => provider.id === id)?.isReady ?? false
      const shown = ({ id, title, description }: { id: string; title: string; description: string }) => ({
        id,
        title,
        description,
        isReady: isReady(id),
        handles: connections.filter(({ provider }) => provider === id).map((connection) => handleOf(site, connection, own)),
      })
      // What needs no signing in is connected once.
      const storages = site.storages.filter(({ id, logins }) => logins.length > 0 || !own.some(({ provider }) => provider === id))
      site.show(visit, {
        view: 'pages/connect/view.ejs',
        title: t('connect.title'),
        nav: 'connect',
        model: {
          networks: site.networks.map(shown),
          storages: storages.map(shown),
          isFirst: connections.every(({ kind }) => kind === 'storage'),
          hasStorage: own.length > 0,
          name: user.name,
        },
      })
    }),
  ]
}

/** With several storages, also where its copies go. */
function handleOf(site: Site, { handle, storageId }: Connection, storages: readonly Connection[]): string {
  const storage = storages.length > 1 ? storages.find(({ id }) => id === storageId) : undefined
  return storage ? `${handle} → ${storageName(site, storage)}` : handle
}

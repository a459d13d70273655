import { page, type Binding } from '@asheville/service'
import { sessionOf, type Site } from '../../site.ts'

/** `/connect`: which networks can be connected, and which are. */
export function connectPages(site: Site): Binding[] {
  return [
    page('GET', '/connect', { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const { user } = sessionOf(site, visit)
      const { connections } = await site.backends(visit).accounts.listConnections({ query: { kind: 'network' }, userId: user.id })
      const networks = site.networks.map(({ id, title, description }) => ({
        id,
        title,
        description,
        handles: connections.filter(({ provider }) => provider === id).map(({ handle }) => handle),
      }))
      site.show(visit, {
        view: 'pages/connect/view.ejs',
        title: t('connect.title'),
        nav: 'connect',
        model: { networks, isFirst: connections.length === 0, name: user.name },
      })
    }),
  ]
}

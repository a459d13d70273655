import { join, resolve } from 'node:path'
import { page, type Binding, type Visit } from '@asheville/service'
import { itemView } from '../../item-view.ts'
import { sessionOf, type Site } from '../../site.ts'
import { storageName } from '../../storage-name.ts'
import { statusView } from './status-view.ts'

const arrivedCount = 12
const refreshSeconds = 5

/** `/status`: a signed-in person's home. `/status/live` is its middle alone, which a script puts in place as things happen. */
export function statusPages(site: Site): Binding[] {
  const show = async (visit: Visit, isFragment: boolean) => {
    const { t, fmt } = site.texts(visit)
    const { user } = sessionOf(site, visit)
    const { conductor, accounts, platform } = site.backends(visit)
    const userId = user.id
    const [status, storage, newest] = await Promise.all([
      // Whoever opens the page has perhaps just changed something; its middle alone comes again and again.
      conductor.getStatus({ userId, ...(!isFragment && { headers: { 'cache-control': 'no-cache' } }) }),
      accounts.listConnections({ query: { kind: 'storage' }, userId }).catch(() => null),
      platform.listItems({ query: { limit: arrivedCount }, userId }).catch(() => null),
    ])
    const isWithheld = status.networks.some(({ connection }) => connection.declined.length > 0)
    const known = isWithheld ? await accounts.listProviders({}).catch(() => null) : null
    const networkOf = (id: string) => {
      const network = site.networks.find((each) => each.id === id)
      return network ? { ...network, asks: known?.providers.find((provider) => provider.id === id)?.asks ?? null } : null
    }
    const view = statusView(status, networkOf, t, fmt)
    const storages = (storage?.connections ?? []).map((connection) => ({
      id: connection.id,
      provider: connection.provider,
      title: storageName(site, connection),
      stateReason: connection.stateReason,
      path: user.role === 'owner' && connection.provider === 'local' ? pathOf(site.settings.localStorageDir, connection.accountId) : null,
      media: status.media && (status.media.find(({ storageId }) => storageId === connection.id) ?? { files: 0, bytes: 0 }),
    }))
    site.show(visit, {
      view: isFragment ? 'pages/status/live.ejs' : 'pages/status/view.ejs',
      title: t('status.title'),
      nav: 'status',
      isFragment,
      scripts: ['htmx.js', 'live.js'],
      ...(view.isWorking && { refreshSeconds }),
      model: {
        ...view,
        storages,
        name: user.name,
        done: visit.query.done === 'disconnected' ? t('disconnect.done') : visit.query.done === 'cleared' ? t('clear.done') : null,
        arrived: newest?.items.map((item) => itemView(item, site.networkTitle(item.network), t)) ?? null,
      },
    })
  }

  return [
    page('GET', '/status', { who: 'person' }, (visit) => show(visit, false)),
    page('GET', '/status/live', { who: 'person' }, (visit) => show(visit, true)),
    page('POST', '/status/sync', { who: 'person' }, async (visit) => {
      const userId = sessionOf(site, visit).user.id
      await site.backends(visit).conductor.createSync({ body: { trigger: 'person', connectionIds: null }, userId })
      site.redirect(visit, '/status')
    }),
    page('POST', '/syncs/:id/cancel', { who: 'person' }, async (visit) => {
      const userId = sessionOf(site, visit).user.id
      await site.backends(visit).conductor.cancelSync({ params: { syncId: visit.params.id ?? '' }, userId })
      site.redirect(visit, '/status')
    }),
  ]
}

/** Where a person's folder lies on this machine, for who runs it. */
function pathOf(directory: string | null, accountId: string): string | null {
  return directory === null ? null : join(resolve(directory), accountId, 'Asheville')
}

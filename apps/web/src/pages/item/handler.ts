import { AshevilleError } from '@asheville/core'
import { page, type Binding } from '@asheville/service'
import { itemView, rawOf } from '../../item-view.ts'
import { sessionOf, type Site } from '../../site.ts'

/** `/items/:key`: one item whole, with where it lies and what the network said. */
export function itemPages(site: Site): Binding[] {
  return [
    page('GET', '/items/:key', { who: 'person' }, async (visit) => {
      const { t, fmt } = site.texts(visit)
      const key = visit.params.key ?? ''
      if (!/^[A-Za-z0-9_-]{1,64}$/.test(key)) throw new AshevilleError('not-found', 'There is no such item')
      const stored = await site.backends(visit).platform.getItem({ params: { key }, userId: sessionOf(site, visit).user.id })
      const item = itemView(stored, site.networkTitle(stored.network), t)
      const when = item.at ? fmt.plainTime(item.at, 'day') : t('item.undated')
      site.show(visit, {
        view: 'pages/item/view.ejs',
        title: item.title ?? t('item.page-title', { act: item.actText, network: item.networkTitle, date: when }),
        nav: 'browse',
        model: { item, raw: rawOf(stored.object), id: stored.id },
      })
    }),
  ]
}

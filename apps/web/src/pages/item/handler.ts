import { reactionsOf } from '@asheville/clients'
import { AshevilleError } from '@asheville/core'
import { page, type Binding, type Visit } from '@asheville/service'
import { textOf } from '../../form-faults.ts'
import { copyView, reactionTexts } from '../../copy-view.ts'
import { itemView, rawOf } from '../../item-view.ts'
import { sessionOf, type Site } from '../../site.ts'
import { clickedBox, focusOf, focusParts } from './focus.ts'

/** `/items/:key`: one item whole, with where it lies and what the network said. */
export function itemPages(site: Site): Binding[] {
  return [
    page('GET', '/items/:key', { who: 'person' }, async (visit) => {
      const { t, fmt } = site.texts(visit)
      const key = keyOf(visit)
      const stored = await site.backends(visit).platform.getItem({ params: { key }, userId: sessionOf(site, visit).user.id })
      const item = itemView(stored, site.networkTitle(stored.network), t)
      const when = item.at ? fmt.plainTime(item.at, 'day') : t('item.undated')
      site.show(visit, {
        view: 'pages/item/view.ejs',
        title: item.title ?? t('item.page-title', { act: item.actText, network: item.networkTitle, date: when }),
        nav: 'browse',
        model: {
          item,
          raw: rawOf(stored.object),
          id: stored.id,
          isFocusSaved: visit.query.done === 'focus',
          said: visit.query.done === 'parted' || visit.query.done === 'joined' ? visit.query.done : null,
          copies: (stored.copies ?? []).map((copy) => copyView(copy, site.networkTitle(copy.network), t)),
          keptApart: (stored.keptApart ?? []).map((copy) => copyView(copy, site.networkTitle(copy.network), t)),
          reactions: reactionTexts(reactionsOf(stored.object), t),
          boxOf: clickedBox,
          focusParts,
        },
      })
    }),
    page('POST', '/items/:key/focus', { who: 'person' }, async (visit) => {
      const { platform } = site.backends(visit)
      const userId = sessionOf(site, visit).user.id
      const key = keyOf(visit)
      const path = textOf(visit.form, 'path')
      const { pictures = {} } = await platform.getItem({ params: { key }, userId })
      const picture = Object.hasOwn(pictures, path) ? pictures[path] : undefined
      if (!picture) throw new AshevilleError('not-found', 'There is no such picture')
      const focus = focusOf(visit.form, picture)
      if (focus !== undefined) await platform.setFocus({ userId, body: { path, focus } })
      site.redirect(visit, `/items/${key}?done=focus`)
    }),
    page('POST', '/items/:key/apart', { who: 'person' }, async (visit) => {
      const key = keyOf(visit)
      const isApart = textOf(visit.form, 'say') !== 'same'
      const other = keyFrom(textOf(visit.form, 'other'))
      await site.backends(visit).platform.setApart({ userId: sessionOf(site, visit).user.id, body: { key, other, isApart } })
      site.redirect(visit, `/items/${key}?done=${isApart ? 'parted' : 'joined'}`)
    }),
  ]
}

const keyOf = ({ params: { key = '' } }: Visit): string => keyFrom(key)

function keyFrom(key: string): string {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(key)) throw new AshevilleError('not-found', 'There is no such item')
  return key
}

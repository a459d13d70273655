import { page, type Binding } from '@asheville/service'
import { textOf } from '../../form-faults.ts'
import { safeReturnTo } from '../../return-to.ts'
import { sessionOf, type Site } from '../../site.ts'
import { notificationView } from './notification-view.ts'

const perPage = 20

/** `/notifications`: what the person was told, and where to act on it. */
export function notificationsPages(site: Site): Binding[] {
  return [
    page('GET', '/notifications', { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const { user } = sessionOf(site, visit)
      const { cursor } = visit.query
      const { accounts } = site.backends(visit)
      const list = await accounts.listNotifications({
        userId: user.id,
        query: { limit: perPage, ...(cursor !== undefined && cursor !== '' && { cursor: cursor.slice(0, 200) }) },
      })
      site.show(visit, {
        view: 'pages/notifications/view.ejs',
        title: t('notify.title'),
        nav: 'notifications',
        model: {
          notifications: list.notifications.map((notification) => notificationView(notification, (id) => site.networkTitle(id), t)),
          newest: list.notifications[0]?.id ?? null,
          hasUnread: list.unread > 0,
          next: list.next,
          isFirst: !cursor,
        },
      })
    }),
    page('POST', '/notifications/read', { who: 'person' }, async (visit) => {
      const { user } = sessionOf(site, visit)
      await site.backends(visit).accounts.markAllRead({ userId: user.id, body: { upTo: textOf(visit.form, 'upTo') } })
      site.redirect(visit, '/notifications')
    }),
    page('POST', '/notifications/:id/read', { who: 'person' }, async (visit) => {
      const { user } = sessionOf(site, visit)
      await site.backends(visit).accounts.markRead({ userId: user.id, params: { notificationId: visit.params.id ?? '' } })
      site.redirect(visit, safeReturnTo(textOf(visit.form, 'goTo')) ?? '/notifications')
    }),
  ]
}

import type { Notification } from '@asheville/clients'
import type { Translate } from '../../i18n.ts'

/** A notification in the person's words. */
export interface NotificationView {
  id: string
  icon: string
  tone: 'good' | 'bad' | ''
  title: string
  text: string
  createdAt: string
  isUnread: boolean
  isOver: boolean
  /** Where one acts on it; null when there is nothing to be done. */
  action: { href: string; text: string } | null
}

export function notificationView(notification: Notification, titleOf: (provider: string) => string, t: Translate): NotificationView {
  const { id, createdAt, readAt, settledAt } = notification
  const { isUrgent = false, ...words } = wordsOf(notification, titleOf, t)
  const isOver = isUrgent && settledAt !== null
  return {
    id,
    createdAt,
    isUnread: readAt === null,
    isOver,
    tone: isUrgent && !isOver ? 'bad' : '',
    ...words,
    action: isOver ? null : words.action,
  }
}

type Words = Pick<NotificationView, 'icon' | 'title' | 'text' | 'action'> & { isUrgent?: boolean }

function wordsOf(notification: Notification, titleOf: (provider: string) => string, t: Translate): Words {
  const status = { href: '/status', text: t('notify.see-status') }
  switch (notification.kind) {
    case 'reconnect-needed': {
      const { connectionId, provider, handle } = notification.data
      const network = titleOf(provider)
      return {
        icon: 'warning',
        isUrgent: true,
        title: t('notify.reconnect-needed', { network }),
        text: t('notify.reconnect-needed-text', { network, handle }),
        action: { href: `/connect/${provider}?reconnects=${connectionId}`, text: t('notify.reconnect-needed-action', { network }) },
      }
    }
    case 'storage-full': {
      const storage = titleOf(notification.data.provider)
      return {
        icon: 'disk',
        isUrgent: true,
        title: t('notify.storage-full', { storage }),
        text: t('notify.storage-full-text'),
        action: status,
      }
    }
    case 'sync-problem': {
      const { provider, handle, reason } = notification.data
      return {
        icon: 'warning',
        isUrgent: true,
        title: t('notify.sync-problem', { network: titleOf(provider) }),
        text: t('notify.sync-problem-text', { handle, reason }),
        action: status,
      }
    }
    case 'sync-pausing': {
      const { provider, handle, reason, days: count } = notification.data
      return {
        icon: 'warning',
        isUrgent: true,
        title: t('notify.sync-pausing', { network: titleOf(provider) }),
        text: t('notify.sync-pausing-text', { handle, reason, count }),
        action: status,
      }
    }
    case 'sync-paused': {
      const { provider, handle, reason, days: count } = notification.data
      return {
        icon: 'pause',
        isUrgent: true,
        title: t('notify.sync-paused', { network: titleOf(provider) }),
        text: t('notify.sync-paused-text', { handle, reason, count }),
        action: status,
      }
    }
    case 'sync-finished': {
      const { new: count, syncs, state } = notification.data
      const isNews = count > 0
      return {
        icon: 'check',
        title: isNews ? t('notify.sync-finished', { count }) : t('notify.sync-finished-none'),
        text: state === 'failed' ? t('notify.sync-failed-text') : t('notify.sync-finished-text', { count: syncs }),
        action: isNews ? { href: '/browse', text: t('notify.sync-finished-action') } : null,
      }
    }
    case 'sync-unchanged':
      return {
        icon: 'clock',
        title: t('notify.sync-unchanged'),
        text: t('notify.sync-unchanged-text', { count: notification.data.syncs }),
        action: null,
      }
    case 'network-available': {
      const { provider } = notification.data
      const network = titleOf(provider)
      return {
        icon: 'connect',
        title: t('notify.network-available', { network }),
        text: t('notify.network-available-text'),
        action: { href: `/connect/${provider}`, text: t('notify.network-available-action', { network }) },
      }
    }
  }
}

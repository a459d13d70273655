import { etagOf, notificationChannels, notificationKinds, type NotificationPreferences } from '@asheville/clients'
import { kindOf } from '@asheville/core'
import { page, type Binding, type Form, type Visit } from '@asheville/service'
import { textOf } from '../../form-faults.ts'
import { sessionOf, type Site } from '../../site.ts'

/** `/settings/notifications`: of what the person is told, and where. */
export function notificationSettingsPages(site: Site): Binding[] {
  const show = async (visit: Visit, { done = null, fault = null }: { done?: string | null; fault?: string | null }) => {
    const { t } = site.texts(visit)
    const { user } = sessionOf(site, visit)
    const told = await site.backends(visit).accounts.getNotificationPreferences({ userId: user.id })
    site.show(visit, {
      view: 'pages/notification-settings/view.ejs',
      title: t('tell.title'),
      nav: 'settings',
      ...(fault !== null && { status: 409 }),
      model: {
        kinds: notificationKinds.map((kind) => ({ kind, text: t(`tell.${kind}`), channels: told.preferences[kind] })),
        channels: notificationChannels,
        mail: told.mail,
        version: etagOf(told) ?? '',
        done,
        fault,
      },
    })
  }

  return [
    page('GET', '/settings/notifications', { who: 'person' }, (visit) => {
      const { t } = site.texts(visit)
      return show(visit, { done: visit.query.done === 'saved' ? t('tell.done') : null })
    }),
    page('POST', '/settings/notifications', { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const { user } = sessionOf(site, visit)
      const version = textOf(visit.form, 'version')
      try {
        await site.backends(visit).accounts.updateNotificationPreferences({
          userId: user.id,
          body: { preferences: chosen(visit.form) },
          ...(/^"[\w-]{1,100}"$/.test(version) && { ifMatch: version }),
        })
      } catch (error) {
        if (kindOf(error) === 'conflict') return show(visit, { fault: t('tell.changed') })
        throw error
      }
      site.redirect(visit, '/settings/notifications?done=saved')
    }),
  ]
}

/** A box that is not ticked is not sent. */
function chosen(form: Form | null): NotificationPreferences {
  const entries = notificationKinds.map((kind) => {
    const channels = notificationChannels.map((channel) => [channel, textOf(form, `${kind}.${channel}`) === 'on'] as const)
    return [kind, Object.fromEntries(channels)] as const
  })
  return Object.fromEntries(entries) as NotificationPreferences
}

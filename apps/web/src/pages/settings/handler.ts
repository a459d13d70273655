import { page, type Binding } from '@asheville/service'
import { sessionOf, type Site } from '../../site.ts'

/** A storage that takes longer to say how full it is keeps nobody from this page. */
const spaceWithinMs = 2500

/** `/settings`: who is signed in, where the copies go, the way to what can be set, and the way out. */
export function settingsPages(site: Site): Binding[] {
  return [
    page('GET', '/settings', { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const session = sessionOf(site, visit)
      const userId = session.user.id
      const { accounts, platform } = site.backends(visit)
      const { connections } = await accounts.listConnections({ query: { kind: 'storage' }, userId })
      const asked = connections.map(({ id: storageId }) =>
        platform.getSpace({ userId, params: { storageId }, signal: AbortSignal.timeout(spaceWithinMs) }).catch(() => null),
      )
      const spaces = await Promise.all(asked)
      const storages = connections.map(({ id, provider, handle, state, stateReason }, index) => ({
        id,
        provider,
        title: site.networkTitle(provider),
        // This server's disk has no account.
        handle: site.storages.some((storage) => storage.id === provider && storage.logins.length === 0) ? null : handle,
        needsReconnect: state === 'reconnect',
        reason: stateReason,
        space: typeof spaces[index]?.used === 'number' ? spaces[index] : null,
        // Whoever has but this one would have nowhere to copy to.
        canDisconnect: connections.length > 1,
      }))
      const links = [
        { href: '/settings/profile', icon: 'person', text: t('settings.link-profile') },
        { href: '/settings/identities', icon: 'links', text: t('settings.link-identities') },
        { href: '/settings/password', icon: 'lock', text: t('settings.link-password') },
        { href: '/settings/passkeys', icon: 'key', text: t('settings.link-passkeys') },
        { href: '/settings/notifications', icon: 'bell', text: t('settings.link-notifications') },
        { href: '/settings/sessions', icon: 'computer', text: t('settings.link-sessions') },
        { href: '/settings/apps', icon: 'network', text: t('settings.link-apps') },
        { href: '/coverage', icon: 'check', text: t('coverage.title') },
        { href: '/settings/data', icon: 'articles', text: t('settings.link-data') },
        { href: '/settings/close', icon: 'out', text: t('settings.link-close') },
      ]
      if (session.user.role === 'owner')
        links.push(
          { href: '/admin/people', icon: 'follows', text: t('settings.link-people') },
          { href: '/admin/queues', icon: 'status', text: t('settings.link-queues') },
        )
      site.show(visit, {
        view: 'pages/settings/view.ejs',
        title: t('settings.title'),
        nav: 'settings',
        model: { user: session.user, expiresAt: session.expiresAt, storages, links },
      })
    }),
  ]
}

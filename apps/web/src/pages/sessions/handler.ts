import type { ListedSession } from '@asheville/clients'
import { page, type Binding } from '@asheville/service'
import type { Translate } from '../../i18n.ts'
import { sessionOf, type Site } from '../../site.ts'

/** `/settings/sessions`: where the person is signed in, and signing out there. */
export function sessionsPages(site: Site): Binding[] {
  return [
    page('GET', '/settings/sessions', { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const { id, user } = sessionOf(site, visit)
      const { sessions } = await site.backends(visit).accounts.listSessions({ userId: user.id })
      const shown = sessions.map((session) => ({
        ...session,
        name: nameOf(session, t),
        icon: icons[session.device.kind],
        isHere: session.id === id,
      }))
      const done: Record<string, string> = { one: t('sessions.ended'), others: t('sessions.others-ended') }
      site.show(visit, {
        view: 'pages/sessions/view.ejs',
        title: t('sessions.title'),
        nav: 'settings',
        model: {
          here: shown.filter(({ isHere }) => isHere),
          others: shown.filter(({ isHere }) => !isHere),
          done: done[visit.query.done ?? ''] ?? null,
        },
      })
    }),
    page('POST', '/settings/sessions/:id/end', { who: 'person' }, async (visit) => {
      const { user } = sessionOf(site, visit)
      await site.backends(visit).accounts.revokeSession({ userId: user.id, params: { sessionId: visit.params.id ?? '' } })
      site.redirect(visit, '/settings/sessions?done=one')
    }),
    page('POST', '/settings/sessions/end-others', { who: 'person' }, async (visit) => {
      const { id, user } = sessionOf(site, visit)
      await site.backends(visit).accounts.revokeSessions({ userId: user.id, body: { except: id } })
      site.redirect(visit, '/settings/sessions?done=others')
    }),
  ]
}

const icons: Record<ListedSession['device']['kind'], string> = { desktop: 'computer', mobile: 'phone', tablet: 'tablet', other: 'network' }

function nameOf({ device: { browser, system } }: ListedSession, t: Translate): string {
  if (browser !== null && system !== null) return t('sessions.name', { browser, system })
  return browser ?? system ?? t('sessions.nameless')
}

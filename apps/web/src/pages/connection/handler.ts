import { page, type Binding, type Visit } from '@asheville/service'
import type { Site } from '../../site.ts'
import { startSync } from '../../start-sync.ts'
import { connectionOf } from './connection-of.ts'
import { startPages } from './start.ts'

/** `/connections/:id/…`: disconnect (asked first), pause, resume, sync now, start what costs. Every change is a POST. */
export function connectionPages(site: Site): Binding[] {
  const ask = (visit: Visit) => connectionOf(site, visit)

  const change = (paused: boolean) => async (visit: Visit) => {
    const { params, userId } = ask(visit)
    await site.backends(visit).accounts.updateConnection({ params, userId, body: { paused } })
    if (!paused) await startSync(site, visit, userId, params.connectionId, 'person')
    site.redirect(visit, '/status')
  }

  return [
    ...startPages(site),
    page('GET', '/connections/:id/disconnect', { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const connection = await site.backends(visit).accounts.getConnection(ask(visit))
      const network = site.networkTitle(connection.provider)
      site.show(visit, {
        view: 'pages/connection/disconnect.ejs',
        title: t('disconnect.title', { network }),
        nav: 'status',
        model: { connection, network },
      })
    }),
    page('POST', '/connections/:id/disconnect', { who: 'person' }, async (visit) => {
      await site.backends(visit, 10_000).accounts.removeConnection(ask(visit))
      site.redirect(visit, '/status?done=disconnected')
    }),
    page('POST', '/connections/:id/pause', { who: 'person' }, change(true)),
    page('POST', '/connections/:id/resume', { who: 'person' }, change(false)),
    page('POST', '/connections/:id/sync', { who: 'person' }, async (visit) => {
      const { conductor } = site.backends(visit)
      const { params, userId } = ask(visit)
      await conductor.createSync({ body: { trigger: 'person', connectionIds: [params.connectionId] }, userId })
      site.redirect(visit, '/status')
    }),
  ]
}

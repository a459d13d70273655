import { page, type Binding, type Visit } from '@asheville/service'
import type { Site } from '../../site.ts'
import { clearPages } from './clear.ts'
import { connectionOf } from './connection-of.ts'
import { restartPages } from './restart.ts'
import { copiesPages } from './copies.ts'
import { schedulePages } from './schedule.ts'
import { startPages } from './start.ts'

/** `/connections/:id/…`: disconnect, restart and clear (asked first), pause, resume, sync now, cancel, start what costs, how often. Every change is a POST. */
export function connectionPages(site: Site): Binding[] {
  const ask = (visit: Visit) => connectionOf(site, visit)

  const change = (name: 'pauseConnection' | 'resumeConnection' | 'cancelConnection') => async (visit: Visit) => {
    await site.backends(visit).conductor[name](ask(visit))
    site.redirect(visit, '/status')
  }

  return [
    ...startPages(site),
    ...restartPages(site),
    ...clearPages(site),
    ...copiesPages(site),
    ...schedulePages(site),
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
    page('POST', '/connections/:id/pause', { who: 'person' }, change('pauseConnection')),
    page('POST', '/connections/:id/resume', { who: 'person' }, change('resumeConnection')),
    page('POST', '/connections/:id/cancel', { who: 'person' }, change('cancelConnection')),
    page('POST', '/connections/:id/sync', { who: 'person' }, async (visit) => {
      const { conductor } = site.backends(visit)
      const { params, userId } = ask(visit)
      await conductor.createSync({ body: { trigger: 'person', connectionIds: [params.connectionId] }, userId })
      site.redirect(visit, '/status')
    }),
  ]
}

import { AshevilleError } from '@asheville/core'
import { page, type Binding } from '@asheville/service'
import { textOf } from '../../form-faults.ts'
import type { Site } from '../../site.ts'
import { connectionOf } from './connection-of.ts'

/** A network that charges is asked what it costs while the person waits; the conductor gives up sooner. */
const planMs = 10_000

/** `/connections/:id/restart`: from where it was, or from scratch, of everything or of one kind of content. What it does is said before. */
export function restartPages(site: Site): Binding[] {
  return [
    page('GET', '/connections/:id/restart', { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const { params, userId } = connectionOf(site, visit)
      const connection = await site.backends(visit).accounts.getConnection({ params, userId })
      // What rests is resumed or reconnected first.
      if (connection.kind !== 'network' || (connection.state !== 'active' && connection.state !== 'full'))
        return site.redirect(visit, '/status')
      const body = { connectionIds: [connection.id], from: 'scratch' as const }
      const { connections } = await site.backends(visit, planMs).conductor.planSync({ body, userId })
      const streams = connections[0]?.streams ?? []
      const costs = streams.flatMap(({ cost }) => cost ?? [])
      const network = site.networkTitle(connection.provider)
      site.show(visit, {
        view: 'pages/connection/restart.ejs',
        title: t('restart.title', { network }),
        nav: 'status',
        model: {
          connection,
          network,
          streams: streams.map(({ stream, contentTypes }) => ({ name: stream, contentTypes })),
          isPaid: costs.length > 0,
          reads: costs.some(({ reads }) => reads === null) ? null : costs.reduce((sum, { reads }) => sum + (reads ?? 0), 0),
        },
      })
    }),
    page('POST', '/connections/:id/restart', { who: 'person' }, async (visit) => {
      const { params, userId } = connectionOf(site, visit)
      const from = textOf(visit.form, 'from') === 'scratch' ? 'scratch' : 'checkpoint'
      const stream = textOf(visit.form, 'stream') || null
      if (stream !== null && !/^[a-z-]{1,40}$/.test(stream)) throw new AshevilleError('not-found', 'There is no such stream')
      await site.backends(visit).conductor.restartConnection({ params, body: { stream, from }, userId })
      site.redirect(visit, '/status')
    }),
  ]
}

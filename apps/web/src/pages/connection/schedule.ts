import type { Connection } from '@asheville/clients'
import { page, type Binding, type Visit } from '@asheville/service'
import { faultsOf, statusOf, textOf } from '../../form-faults.ts'
import type { Site } from '../../site.ts'
import { connectionOf } from './connection-of.ts'
import { everyText } from './every.ts'

const offered = [5, 15, 60, 360, 1440]

/** `/connections/:id/schedule`: how often a network is looked at, by how often it has something new or as the person wants it. */
export function schedulePages(site: Site): Binding[] {
  const show = (visit: Visit, connection: Connection, asked: { every: number | null; fault: string | null; status?: number }) => {
    const { t } = site.texts(visit)
    const network = site.networkTitle(connection.provider)
    const current = connection.settings.syncEveryMinutes
    const intervals = current === null || offered.includes(current) ? offered : [...offered, current].sort((one, other) => one - other)
    const { every, fault, status } = asked
    const title = t('schedule.title', { network })
    site.show(visit, {
      view: 'pages/connection/schedule.ejs',
      title,
      nav: 'status',
      ...(status !== undefined && { status }),
      model: {
        title,
        connection,
        fault,
        choices: [null, ...intervals].map((minutes) => ({
          value: minutes ?? 'own',
          text: everyText(minutes, t),
          isChosen: minutes === every,
          help: minutes === null ? t('schedule.own-help', { network }) : null,
        })),
      },
    })
  }

  /** Null where nothing is pulled: of a storage. */
  const networkOf = async (visit: Visit): Promise<Connection | null> => {
    const connection = await site.backends(visit).accounts.getConnection(connectionOf(site, visit))
    return connection.kind === 'network' ? connection : null
  }

  return [
    page('GET', '/connections/:id/schedule', { who: 'person' }, async (visit) => {
      const connection = await networkOf(visit)
      if (!connection) return site.redirect(visit, '/status')
      show(visit, connection, { every: connection.settings.syncEveryMinutes, fault: null })
    }),
    page('POST', '/connections/:id/schedule', { who: 'person' }, async (visit) => {
      const connection = await networkOf(visit)
      if (!connection) return site.redirect(visit, '/status')
      const written = textOf(visit.form, 'every')
      const every = written === 'own' ? null : /^\d{1,4}$/.test(written) ? Number(written) : undefined
      const { t } = site.texts(visit)
      if (every === undefined)
        return show(visit, connection, { every: connection.settings.syncEveryMinutes, fault: t('schedule.wrong'), status: 422 })
      try {
        const { params, userId } = connectionOf(site, visit)
        await site.backends(visit).accounts.updateConnection({ params, userId, body: { settings: { syncEveryMinutes: every } } })
      } catch (error) {
        const { fields, whole } = faultsOf(error, ['syncEveryMinutes'], t)
        return show(visit, connection, { every, fault: fields['syncEveryMinutes'] ?? whole, status: statusOf(error) })
      }
      site.redirect(visit, '/status')
    }),
  ]
}

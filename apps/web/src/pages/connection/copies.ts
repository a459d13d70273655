import type { Connection } from '@asheville/clients'
import { page, type Binding, type Visit } from '@asheville/service'
import { textOf } from '../../form-faults.ts'
import type { Site } from '../../site.ts'
import { connectionOf } from './connection-of.ts'

const choices = [
  { value: 'keep', text: 'copies.keep', help: 'copies.keep-help' },
  { value: 'mirror', text: 'copies.mirror', help: 'copies.mirror-help' },
] as const

/** `/connections/:id/copies`: whether copies keep what is edited or deleted on their network, or mirror it. */
export function copiesPages(site: Site): Binding[] {
  const show = (visit: Visit, connection: Connection, fault: string | null) => {
    const { t } = site.texts(visit)
    const network = site.networkTitle(connection.provider)
    const title = t('copies.title', { network })
    site.show(visit, {
      view: 'pages/connection/copies.ejs',
      title,
      nav: 'status',
      ...(fault !== null && { status: 422 }),
      model: {
        title,
        connection,
        fault,
        legend: t('copies.legend', { network }),
        choices: choices.map(({ value, text, help }) => ({
          value,
          text: t(text, { network }),
          help: t(help, { network }),
          isChosen: value === connection.settings.copies,
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
    page('GET', '/connections/:id/copies', { who: 'person' }, async (visit) => {
      const connection = await networkOf(visit)
      if (!connection) return site.redirect(visit, '/status')
      show(visit, connection, null)
    }),
    page('POST', '/connections/:id/copies', { who: 'person' }, async (visit) => {
      const connection = await networkOf(visit)
      if (!connection) return site.redirect(visit, '/status')
      const written = textOf(visit.form, 'copies')
      const copies = choices.find(({ value }) => value === written)?.value
      if (!copies) return show(visit, connection, site.texts(visit).t('copies.wrong'))
      const { params, userId } = connectionOf(site, visit)
      await site.backends(visit).accounts.updateConnection({ params, userId, body: { settings: { copies } } })
      site.redirect(visit, '/status')
    }),
  ]
}

import type { accountsRoutes, CallReply, Connection } from '@asheville/clients'
import { AshevilleError, isPaid } from '@asheville/core'
import { page, type Binding, type Visit } from '@asheville/service'
import { textOf } from '../../form-faults.ts'
import type { Translate } from '../../i18n.ts'
import type { Site } from '../../site.ts'
import { startSync } from '../../start-sync.ts'
import { connectionOf } from './connection-of.ts'

/** The network is asked while the person waits; accounts gives up sooner. */
const estimateMs = 10_000
const most = 1_000_000_000

/**
 * `/connections/:id/start`, for networks that charge for what is read: what copying everything takes, a bound for each month, and the
 * start. Later on the bound is changed here.
 */
export function startPages(site: Site): Binding[] {
  const show = async (visit: Visit, connection: Connection, asked: { bound: string; fault: string | null }) => {
    const { t } = site.texts(visit)
    const call = connectionOf(site, visit)
    const network = site.networkTitle(connection.provider)
    const [estimate, { reads }] = await Promise.all([
      site
        .backends(visit, estimateMs)
        .accounts.getEstimate(call)
        .then(costOf, (error: unknown) => untold(error, network, t)),
      site.backends(visit).accounts.listReads({ userId: call.userId }),
    ])
    const readsThisMonth = reads.find(({ connectionId }) => connectionId === connection.id)?.thisMonth ?? 0
    site.show(visit, {
      view: 'pages/connection/start.ejs',
      title: t('start.title', { network }),
      nav: 'status',
      ...(asked.fault && { status: 422 }),
      model: { connection, network, ...estimate, readsThisMonth, isStarted: connection.state !== 'paused', ...asked },
    })
  }

  /** Null where copying costs nothing. */
  const paidOne = async (visit: Visit): Promise<Connection | null> => {
    const connection = await site.backends(visit).accounts.getConnection(connectionOf(site, visit))
    return site.networks.some((network) => network.id === connection.provider && isPaid(network)) ? connection : null
  }

  return [
    page('GET', '/connections/:id/start', { who: 'person' }, async (visit) => {
      const connection = await paidOne(visit)
      if (!connection) return site.redirect(visit, '/status')
      await show(visit, connection, { bound: String(connection.settings.readsPerMonth ?? ''), fault: null })
    }),
    page('POST', '/connections/:id/start', { who: 'person' }, async (visit) => {
      const connection = await paidOne(visit)
      if (!connection) return site.redirect(visit, '/status')
      const bound = textOf(visit.form, 'readsPerMonth').trim().slice(0, 40)
      const readsPerMonth = boundOf(bound)
      if (readsPerMonth === undefined) return show(visit, connection, { bound, fault: site.texts(visit).t('start.bound-wrong') })
      const { params, userId } = connectionOf(site, visit)
      await site.backends(visit).accounts.updateConnection({ params, userId, body: { settings: { readsPerMonth }, paused: false } })
      if (connection.state === 'paused') await startSync(site, visit, userId, connection.id, 'person')
      site.redirect(visit, '/status')
    }),
  ]
}

interface Cost {
  rows: CallReply<typeof accountsRoutes.getEstimate>['streams']
  /** What the network tells of, added up; null: it tells of nothing. */
  sum: number | null
  isWhole: boolean
  /** Why there are no figures. */
  untold: string | null
}

function costOf({ streams: rows }: CallReply<typeof accountsRoutes.getEstimate>): Cost {
  const told = rows.map(({ reads }) => reads).filter((reads) => reads !== null)
  const sum = told.length === 0 ? null : told.reduce((all, reads) => all + reads, 0)
  return { rows, sum, isWhole: told.length === rows.length, untold: null }
}

/** The page works without figures. */
function untold(error: unknown, network: string, t: Translate): Cost {
  const reason = error instanceof AshevilleError && error.kind !== 'unexpected' ? error.message : t('error.unexpected.title')
  return { rows: [], sum: null, isWhole: false, untold: t('start.untold', { network, reason }) }
}

/** A number as people write it, with or without the commas that we show; null: none. Undefined: no such number. */
function boundOf(text: string): number | null | undefined {
  if (text === '') return null
  if (!/^(\d+|\d{1,3}(,\d{3})+)$/.test(text)) return undefined
  const number = Number(text.replaceAll(',', ''))
  return number >= 1 && number <= most ? number : undefined
}

import { page, type Binding, type Visit } from '@asheville/service'
import { textOf } from '../../form-faults.ts'
import { sessionOf, type Site } from '../../site.ts'
import { storageName } from '../../storage-name.ts'
import { coverageView } from './coverage-view.ts'

const refreshSeconds = 5

/** `/coverage`: what is stored, what of it is sound, and what is missing; looking through everything anew, and bringing back what can be. */
export function coveragePages(site: Site): Binding[] {
  const show = async (visit: Visit, isFragment: boolean) => {
    const { t } = site.texts(visit)
    const userId = sessionOf(site, visit).user.id
    const { accounts, conductor, platform } = site.backends(visit)
    const [coverage, { connections }, status] = await Promise.all([
      platform.getCoverage({ userId }),
      accounts.listConnections({ query: { kind: 'storage' }, userId }),
      // Only what the networks say comes from there.
      conductor.getStatus({ userId }).catch(() => null),
    ])
    const storages = coverageView(coverage, connections, status?.networks ?? null).map((view) => {
      const storage = connections.find(({ id }) => id === view.id)!
      const { verification } = view
      return {
        ...view,
        title: storageName(site, storage),
        provider: storage.provider,
        networks: view.networks.map((one) => ({ ...one, title: site.networkTitle(one.network) })),
        isRunning: verification?.state === 'running',
        hasFailed: verification?.state === 'failed',
      }
    })
    const isRunning = storages.some((storage) => storage.isRunning)
    site.show(visit, {
      view: isFragment ? 'pages/coverage/live.ejs' : 'pages/coverage/view.ejs',
      title: t('coverage.title'),
      nav: 'status',
      isFragment,
      ...(isRunning && { refreshSeconds, scripts: ['htmx.js'] }),
      model: { storages, isRunning, isRepairing: visit.query.done === 'repairing' },
    })
  }

  const bodyOf = (visit: Visit) => ({ userId: sessionOf(site, visit).user.id, body: { storageId: visit.params.id ?? '' } })

  return [
    page('GET', '/coverage', { who: 'person' }, (visit) => show(visit, false)),
    page('GET', '/coverage/live', { who: 'person' }, (visit) => show(visit, true)),
    page('POST', '/coverage/:id/verify', { who: 'person' }, async (visit) => {
      const { userId, body } = bodyOf(visit)
      const isFolderGone = textOf(visit.form, 'gone') === 'yes'
      await site.backends(visit).platform.startVerification({ userId, body: { ...body, isFolderGone } })
      site.redirect(visit, '/coverage')
    }),
    page('POST', '/coverage/:id/repair', { who: 'person' }, async (visit) => {
      await site.backends(visit).conductor.repairCopies(bodyOf(visit))
      site.redirect(visit, '/coverage?done=repairing')
    }),
    page('POST', '/coverage/:id/leave-out', { who: 'person' }, async (visit) => {
      await site.backends(visit).platform.leaveOut(bodyOf(visit))
      site.redirect(visit, '/coverage')
    }),
  ]
}

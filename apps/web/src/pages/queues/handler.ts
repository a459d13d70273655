import type { QueueStatus, WorkerStatus } from '@asheville/clients'
import { page, type Binding, type Visit } from '@asheville/service'
import { clearCookie, cookieMode, readCookie, writeCookie } from '../../cookies.ts'
import { faultsOf, type FormFaults, noFaults, statusOf, textOf } from '../../form-faults.ts'
import type { Translate } from '../../i18n.ts'
import { ownerOf } from '../../owner-of.ts'
import type { Site } from '../../site.ts'
import { unlockedUntil, unlockFor } from '../../unlocking.ts'

const path = '/admin/queues'

/** `/admin/queues`: for the owner, how much of each network waits and for how long, and which workers there are; each can be held back. */
export function queuesPages(site: Site): Binding[] {
  const { secret, webUrl } = site.settings

  const show = async (visit: Visit, at: { network: string; faults: FormFaults } | null, status = 200) => {
    const { t } = site.texts(visit)
    const { id, user } = ownerOf(site, visit)
    const { networks, workers } = await site.backends(visit).conductor.getQueues({ userId: user.id })
    const until = unlockedUntil(readCookie(visit.request, 'unlock', webUrl), secret, id)
    site.show(visit, {
      view: 'pages/queues/view.ejs',
      title: t('queues.title'),
      nav: 'settings',
      status,
      model: {
        networks: networks.map((queue) => ({
          ...queue,
          title: site.networkTitle(queue.network),
          badge: badgeOf(queue, t),
          typed: at?.network === queue.network ? textOf(visit.form, 'jobsPerMinute') : (queue.jobsPerMinute ?? ''),
          faults: at?.network === queue.network ? at.faults : noFaults,
        })),
        workers: workers.map((worker) => workerRow(worker, site, t)),
        unlockedUntil: until?.toISOString() ?? null,
      },
    })
  }

  return [
    page('GET', path, { who: 'person' }, (visit) => show(visit, null)),
    page('POST', `${path}/networks/:network`, { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const { user } = ownerOf(site, visit)
      const network = visit.params.network ?? ''
      const isPaused =
        textOf(visit.form, 'to') === 'pause' || (textOf(visit.form, 'to') === 'limit' && textOf(visit.form, 'isPaused') === 'yes')
      const typed = textOf(visit.form, 'jobsPerMinute').trim()
      const body = { isPaused, jobsPerMinute: typed === '' ? null : Number(typed) }
      if (body.jobsPerMinute !== null && !/^[1-9]\d{0,5}$/.test(typed))
        return show(visit, { network, faults: { fields: { jobsPerMinute: t('queues.limit-fault') }, whole: null } }, 422)
      try {
        await site.backends(visit).accounts.putControl({ userId: user.id, params: { network }, body })
      } catch (error) {
        return show(visit, { network, faults: faultsOf(error, ['jobsPerMinute'], t) }, statusOf(error))
      }
      site.redirect(visit, `${path}#${network}`)
    }),
    page('POST', `${path}/workers/:holder`, { who: 'person' }, async (visit) => {
      const { user } = ownerOf(site, visit)
      const body = { isDrained: textOf(visit.form, 'to') === 'drain' }
      await site.backends(visit).conductor.drainWorker({ userId: user.id, params: { holder: visit.params.holder ?? '' }, body })
      site.redirect(visit, `${path}#workers`)
    }),
    page('POST', `${path}/unlock`, { who: 'person' }, (visit) => {
      const { value, until } = unlockFor(secret, ownerOf(site, visit).id)
      writeCookie(visit.response, 'unlock', value, cookieMode(visit.request, webUrl), until)
      site.redirect(visit, `${path}/board`)
      return Promise.resolve()
    }),
    page('POST', `${path}/lock`, { who: 'person' }, (visit) => {
      ownerOf(site, visit)
      clearCookie(visit.response, 'unlock', webUrl)
      site.redirect(visit, `${path}#board`)
      return Promise.resolve()
    }),
  ]
}

function badgeOf({ isPaused, jobsPerMinute, held, waiting, active, inPostgres: { leased } }: QueueStatus, t: Translate) {
  if (isPaused) return { tone: 'wait', icon: 'pause', text: leased > 0 ? t('queues.pausing', { count: leased }) : t('queues.paused') }
  if (held) return { tone: 'wait', icon: 'clock', text: t('queues.held') }
  if (jobsPerMinute !== null) return { tone: 'wait', icon: 'clock', text: t('queues.throttled', { count: jobsPerMinute }) }
  if (waiting + active > 0) return { tone: 'busy', icon: 'turning', text: t('queues.working') }
  return { tone: 'still', icon: 'check', text: t('queues.idle') }
}

function workerRow({ holder, startedAt, running, isDraining, isAsked }: WorkerStatus, site: Site, t: Translate) {
  const jobs = Object.entries(running).map(([network, count]) => t('queues.in-hand', { network: site.networkTitle(network), count }))
  const action = `${path}/workers/${encodeURIComponent(holder)}`
  return { holder, action, startedAt, jobs, isAsked, badge: badgeOfWorker(isDraining || isAsked, isDraining && jobs.length === 0, t) }
}

function badgeOfWorker(isEnding: boolean, hasEnded: boolean, t: Translate) {
  if (hasEnded) return { tone: 'still', icon: 'pause', text: t('queues.worker-drained') }
  if (isEnding) return { tone: 'wait', icon: 'clock', text: t('queues.worker-draining') }
  return { tone: 'good', icon: 'check', text: t('queues.worker-taking') }
}

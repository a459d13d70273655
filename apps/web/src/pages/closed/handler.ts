import type { Closing } from '@asheville/clients'
import { AshevilleError, kindOf } from '@asheville/core'
import { page, type Binding } from '@asheville/service'
import type { Site } from '../../site.ts'

/** `/closed/:token`: what was done when an account was closed, for whoever has the link; it looks again by itself while it goes on. */
export function closedPages(site: Site): Binding[] {
  const titleOf = (provider: string): string => site.storages.find(({ id }) => id === provider)?.title ?? site.networkTitle(provider)

  return [
    page('GET', '/closed/:token', { who: 'visitor' }, async (visit) => {
      const { t } = site.texts(visit)
      visit.response.set('referrer-policy', 'no-referrer')
      const closing = await findClosing(site, visit, visit.params.token ?? '')
      const isDone = closing.step === 'done'
      const at = (step: Closing['step']): boolean => order.indexOf(closing.step) > order.indexOf(step)
      const isWaiting = closing.step === 'revoke' && closing.grants.some(({ outcome, tries }) => outcome === 'pending' && tries > 1)
      const model = {
        closing,
        isDone,
        isWaiting,
        isStopped: at('stop'),
        grants: closing.grants.map(({ provider, server, outcome, reason }) => ({
          provider,
          kind: site.storages.some(({ id }) => id === provider) ? 'storage' : 'network',
          title: titleOf(provider),
          host: hostOf(server),
          reason: outcome === 'revoked' ? null : reason,
          ...badges[outcome],
        })),
        storages: closing.storages.map((storage) => ({
          ...storage,
          title: titleOf(storage.provider),
          host: hostOf(storage.server),
          isOurs: storage.provider === 'local',
        })),
        hasFailed: closing.grants.some(({ outcome }) => outcome === 'failed' || outcome === 'impossible'),
        until: new Date((closing.finishedAt ? Date.parse(closing.finishedAt) : Date.now()) + reportMs).toISOString(),
      }
      site.show(visit, {
        view: 'pages/closed/view.ejs',
        title: t(isDone ? 'closed.title' : 'closed.title-going'),
        model,
        ...(!isDone && { refreshSeconds: isWaiting ? 30 : 2 }),
      })
    }),
  ]
}

const reportMs = 30 * 86_400_000
const order: readonly Closing['step'][] = ['stop', 'forget', 'revoke', 'delete', 'done']

type Outcome = Closing['grants'][number]['outcome']

const badges: Record<Outcome, { tone: string; icon: string; text: string }> = {
  pending: { tone: 'wait', icon: 'clock', text: 'closed.grant-pending' },
  revoked: { tone: 'good', icon: 'check', text: 'closed.grant-revoked' },
  impossible: { tone: 'wait', icon: 'warning', text: 'closed.grant-impossible' },
  absent: { tone: 'good', icon: 'check', text: 'closed.grant-absent' },
  failed: { tone: 'bad', icon: 'warning', text: 'closed.grant-failed' },
}

function hostOf(server: string | null): string | null {
  return server !== null && URL.canParse(server) ? new URL(server).host : null
}

async function findClosing(site: Site, visit: Parameters<Site['backends']>[0], linkToken: string): Promise<Closing> {
  try {
    return await site.backends(visit).accounts.findClosing({ body: { linkToken } })
  } catch (error) {
    // What has not even the form of such a link is none.
    if (kindOf(error) !== 'invalid') throw error
    throw new AshevilleError('not-found', 'There is no such report', { cause: error })
  }
}

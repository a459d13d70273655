import { setTimeout as wait } from 'node:timers/promises'
import type { Job } from 'bullmq'
import { AshevilleError } from '@asheville/core'
import { checkCrowd, untilCaughtUp, wake, type Crowd } from './crowd.ts'
import { higher, lower, type Figure } from './figures.ts'
import { judged } from './judged.ts'

/** Settings of a constellation in which somebody else listens while one ends: two processes of each service share its port. */
export const twoOfEach = { PROCESSES: 'web:2,accounts:2,conductor:2,platform:2,workers:2' }

const services = ['web', 'accounts', 'conductor', 'platform', 'workers'] as const
const perSecond = 100
const exitMs = 10_000

/**
 * All are at work, and requests come in to every service; so many times one process of each is asked to end (SIGTERM), now the first, now the second, and followed by
 * another. No request fails, no job is left to be noticed as stalled, and each is gone in time.
 */
export async function stopCleanly(name: string, crowd: Crowd, times: number): Promise<Figure[]> {
  await wake(crowd)
  const { constellation } = crowd.instance
  const ended = new AbortController()
  const asking = askUntil(crowd, ended.signal)
  const exits: number[] = []
  try {
    for (let time = 0; time < times; time += 1) {
      const round = services.map((service) => (time % 2 === 0 ? service : (`${service}-2` as const)))
      exits.push(...(await Promise.all(round.map((one) => endOne(crowd, one)))))
      await Promise.all(round.map((one) => constellation.start(one)))
    }
  } finally {
    ended.abort()
  }
  const { asked, failures } = await asking
  console.log(`${name}: failed: ${[...failures].map(([failure, count]) => `${count} x ${failure}`).join(', ') || 'nothing'}`)
  const running = await crowd.db.query<{ jobs: number }>('SELECT count(*)::int AS jobs FROM sync_jobs WHERE finished_at IS NULL', [])
  crowd.mastodon.latencyMs = 0
  await untilCaughtUp(crowd)
  const jobs = (await (await crowd.queue.queue('sync-mastodon')).getCompleted()) as Job[]
  return [
    lower(
      `${name}-failed`,
      [...failures.values()].reduce((sum, one) => sum + one, 0),
      'requests',
      0,
    ),
    lower(`${name}-stalled`, jobs.filter(({ stalledCounter }) => stalledCounter > 0).length, 'jobs', 0),
    lower(`${name}-slowest-exit`, Math.max(...exits) / 1000, 's', exitMs / 1000),
    higher(`${name}-jobs-left-to-the-last`, running[0]?.jobs ?? NaN, 'jobs', 1),
    ...judged(name, await checkCrowd(crowd)),
    lower(`${name}-asked`, asked, 'requests'),
    lower(`${name}-ended`, exits.length, 'processes'),
  ]
}

/** Asks a process to end; answers how long it took, in ms. */
async function endOne({ instance: { constellation } }: Crowd, name: (typeof constellation.names)[number]): Promise<number> {
  const pid = constellation.pids[name]
  const askedAt = performance.now()
  constellation.kill(name, 'SIGTERM')
  while (constellation.pids[name] === pid) await wait(10)
  return performance.now() - askedAt
}

/** Requests to every service in turn, which do not wait for each other; answers what failed of how many. */
async function askUntil({ instance, members }: Crowd, signal: AbortSignal): Promise<{ asked: number; failures: Map<string, number> }> {
  const pages = `http://127.0.0.1:${instance.constellation.port}`
  const visit = async (path: string, cookie = '') => {
    const response = await fetch(`${pages}${path}`, { headers: { accept: 'text/html', cookie } })
    await response.arrayBuffer()
    if (response.status !== 200) throw new AshevilleError('unexpected', `answered ${response.status}`)
  }
  const [accounts, conductor, platform] = [instance.accounts('web'), instance.conductor('web'), instance.platform('web')]
  const calls: Record<string, (member: Crowd['members'][number]) => Promise<unknown>> = {
    'web, signed out': () => visit('/sign-in'),
    'web, signed in': ({ token }) => visit('/settings', `asheville=${token}`),
    'accounts.getUser': ({ userId }) => accounts.getUser({ userId }),
    'accounts.checkSession': ({ token }) => accounts.checkSession({ body: { token } }),
    'conductor.getStatus': ({ userId }) => conductor.getStatus({ userId }),
    'conductor.createSync': ({ userId }) => conductor.createSync({ userId, body: { trigger: 'person', connectionIds: null } }),
    'platform.getCounts': ({ userId }) => platform.getCounts({ userId }),
  }
  const names = Object.keys(calls)
  const failures = new Map<string, number>()
  const replies: Promise<void>[] = []
  for (
    const began = performance.now();
    !signal.aborted;
    await wait(Math.max(0, began + (replies.length * 1000) / perSecond - performance.now()))
  ) {
    const name = names[replies.length % names.length]!
    const reply = calls[name]!(members[replies.length % members.length]!)
    replies.push(
      reply.then(
        () => undefined,
        (error: Error) => {
          const what = `${name}: ${error.message}`
          failures.set(what, (failures.get(what) ?? 0) + 1)
        },
      ),
    )
  }
  await Promise.all(replies)
  return { asked: replies.length, failures }
}

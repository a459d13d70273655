import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { kindOf } from '@asheville/core'
import type { Job } from 'bullmq'
import { addNews, askedOf, checkCrowd, makeDue, untilCaughtUp, wake, type Asked, type Crowd } from './crowd.ts'
import { higher, lower, type Figure } from './figures.ts'
import { judged } from './judged.ts'

/** Settings of a constellation in which all work on the queues has several hands. */
export const severalProcesses = { PROCESSES: 'conductor:2,workers:4' }
const conductors = 2
const workers = 4

/** So slow that no sync ends while people still ask for theirs. */
const slowMs = 3_000

/**
 * Two conductors and four workers. Everybody is due, and asks for it twice, all at once; then something new has come, and all of it happens once more. Each person has
 * one sync of each time, the network is asked for nothing a second time, and all hands take part.
 */
export async function severalAtOnce(name: string, crowd: Crowd): Promise<Figure[]> {
  const { mastodon, members } = crowd
  const latencyMs = mastodon.latencyMs
  const asked: Asked[] = []
  const began = performance.now()
  for (const time of ['first', 'second']) {
    mastodon.log.clear()
    mastodon.latencyMs = slowMs
    if (time === 'first') await wake(crowd)
    else {
      addNews(crowd, '2025-06', 60)
      await makeDue(crowd)
    }
    await everybodyAsksTwice(crowd)
    mastodon.latencyMs = latencyMs
    await untilCaughtUp(crowd)
    asked.push(askedOf(crowd))
  }
  const wall = performance.now() - began
  const sum = (of: keyof Asked) => asked.reduce((total, one) => total + one[of], 0)
  const answered = await answersByConductor(crowd)
  const jobs = await jobsByWorker(crowd)
  console.log(`${name}: jobs by worker: ${[...jobs.values()].join(', ')}; requests by conductor: ${answered.join(', ')}`)
  return [
    lower(`${name}-syncs-too-many`, (await syncsOf(crowd)) - 2 * members.length, 'syncs', 0),
    lower(`${name}-pages-asked-again`, sum('again'), 'pages', 0),
    lower(`${name}-walked-twice-at-once`, sum('overlapping'), 'pages', 0),
    higher(`${name}-workers-at-work`, jobs.size, 'processes', workers),
    higher(`${name}-conductors-at-work`, answered.filter((requests) => requests > 0).length, 'processes', conductors),
    higher(
      `${name}-least-share`,
      (Math.min(...jobs.values()) * workers) / [...jobs.values()].reduce((a, b) => a + b, 0),
      'of a fair one',
      0.4,
    ),
    ...judged(name, await checkCrowd(crowd)),
    lower(`${name}-pages`, sum('pages'), 'pages'),
    lower(`${name}-wall`, wall / 1000, 's'),
  ]
}

/** Throws when somebody was given two syncs. */
async function everybodyAsksTwice({ instance, members }: Crowd): Promise<void> {
  const conductor = instance.conductor('web')
  const ask = async ({ userId }: { userId: string }) => {
    for (;;) {
      try {
        return await conductor.createSync({ userId, body: { trigger: 'person', connectionIds: null } })
      } catch (error) {
        // On a machine with more to do than it can; who is told to come back does.
        if (kindOf(error) !== 'unavailable') throw error
        await wait(500)
      }
    }
  }
  await Promise.all(
    members.map(async (member) => {
      const [one, two] = await Promise.all([ask(member), ask(member)])
      if (one.sync.id !== two.sync.id) throw new Error('Asking twice gave two syncs')
    }),
  )
}

async function syncsOf({ db }: Crowd): Promise<number> {
  const [row] = await db.query<{ syncs: number }>('SELECT count(*)::int AS syncs FROM syncs', [])
  return row?.syncs ?? NaN
}

/** How many jobs each worker ended, of those that the queue still knows; by its holder's name. */
async function jobsByWorker({ queue }: Crowd): Promise<Map<string, number>> {
  const jobs = (await (await queue.queue('sync-mastodon')).getCompleted()) as Job[]
  const ended = Map.groupBy(jobs, ({ processedBy }) => processedBy ?? 'nobody')
  return new Map([...ended].map(([holder, own]) => [holder, own.length]))
}

/** How many syncs were asked for at each conductor. */
async function answersByConductor({ instance: { constellation } }: Crowd): Promise<number[]> {
  const names = constellation.names.filter((name) => name.startsWith('conductor'))
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(constellation.dataDir, 'logs', `${name}.log`), 'utf8')
      return text.split('\n').filter((line) => line.includes('"method":"POST","route":"/v1/syncs"')).length
    }),
  )
}

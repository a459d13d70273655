import { setTimeout as wait } from 'node:timers/promises'
import { asService, type Database } from '@asheville/database'
import { higher } from '@asheville/e2e/figures.ts'
import { connectOAuth } from '@asheville/e2e/instance.ts'
import { startScene, type Scene } from '@asheville/e2e/scene.ts'
import { compare } from '../compare.ts'
import { addPeopleLike, openAccountsData, streams } from '../many-people.ts'

interface Neighbours extends Scene {
  db: Database
  /** The connection whose history is long. */
  whale: string
  /** Of those who have not synced yet, one group for each time. */
  groups: string[][]
  /** What of the whale was stored while others waited, for each time that it was there. */
  whaleItems: number[]
}

const latencyMs = 20
const items = 20
const rounds = 3

/**
 * What a long history does to others: some hundred people ask for their first sync at once, of 20 items each, while a first sync of one with 200,000 is under
 * way, and without it. How long it takes until 95 of 100 have theirs, from asking to the end that accounts stored.
 */
export const noisyNeighbour = compare<Neighbours>({
  name: 'noisy-neighbour',
  unit: 'x without it',
  valueUnit: 'ms',
  goal: 1.3,
  rounds: () => rounds,
  async setup({ quick }, opened) {
    const started = startScene(
      { latencyMs, accounts: ['alice', 'whale'] },
      { seed: 'neighbours', statuses: items },
      { SYNC_INTERVAL_MINUTES: '1000' },
    )
    const scene = opened.adopt(await started, ({ close }) => close())
    const { instance, mastodon, person } = scene
    const db = opened.adopt(openAccountsData(instance), (one) => one.close())
    const people = quick ? 60 : 300
    const groups: string[][] = []
    for (let time = 0; time <= 2 * rounds; time += 1)
      groups.push(await addPeopleLike(instance, db, { userId: person.userId, streams, count: people }))
    mastodon.generate({ account: 'whale', seed: 'whale', statuses: quick ? 20_000 : 200_000 })
    const authorize = (address: string) => mastodon.authorize(address, { account: 'whale' })
    const { id: whale } = await connectOAuth(instance, person, 'mastodon', { server: mastodon.url }, authorize)
    const neighbours = { ...scene, db, whale, groups, whaleItems: [] }
    // It was due by itself, and is not any more.
    await stop(neighbours, await start(neighbours))
    // Until all code has been compiled that is going to be.
    await syncGroup(neighbours)
    return neighbours
  },
  async a(scene) {
    const syncId = await start(scene)
    const before = await storedOf(scene)
    const value = await syncGroup(scene)
    scene.whaleItems.push((await storedOf(scene)) - before)
    await stop(scene, syncId)
    return { value, cpuMs: null }
  },
  b: async (scene) => ({ value: await syncGroup(scene), cpuMs: null }),
  async verify({ whaleItems }) {
    if (whaleItems.some((count) => count === 0)) throw new Error('The long one did not move')
  },
  more: ({ whaleItems }) => [higher('noisy-neighbour-moved', Math.min(...whaleItems), 'items of the long one meanwhile', 1)],
})

/** A group's first syncs, asked for at once: the 95th percentile of how long they took, in ms. Throws unless all ended well, with all items. */
async function syncGroup({ instance, db, groups }: Neighbours): Promise<number> {
  const group = groups.shift()
  if (!group) throw new Error('There are no more people')
  const conductor = instance.conductor('web')
  const rest = group.values()
  const ask = async () => {
    for (const userId of rest) await conductor.createSync({ userId, body: { trigger: 'person', connectionIds: null } })
  }
  await Promise.all(Array.from({ length: 20 }, ask))
  for (;;) {
    const [found] = await asService(() =>
      db.query<{ running: number; well: number; p95: number }>(
        `SELECT count(*) FILTER (WHERE state = 'running') AS running, count(*) FILTER (WHERE state = 'done' AND items = $2) AS well,
           percentile_disc(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - created_at) * 1000)::float AS p95
         FROM syncs y CROSS JOIN LATERAL (SELECT sum(new_items) AS items FROM sync_jobs j WHERE j.sync_id = y.id) t WHERE user_id = ANY ($1)`,
        [group, items],
      ),
    )
    if (found?.running === 0) {
      if (found.well !== group.length) throw new Error(`${found.well} of ${group.length} people have all that is theirs`)
      return found.p95
    }
    await wait(100)
  }
}

/** Has the long history pulled, from where it was left; resolves once it moves. */
async function start(scene: Neighbours): Promise<string> {
  const before = await storedOf(scene)
  const body = { trigger: 'person' as const, connectionIds: [scene.whale] }
  const { sync } = await scene.instance.conductor('web').createSync({ userId: scene.person.userId, body })
  while ((await storedOf(scene)) === before) await wait(50)
  return sync.id
}

async function stop(scene: Neighbours, syncId: string): Promise<void> {
  const { state } = await scene.instance.conductor('web').cancelSync({ userId: scene.person.userId, params: { syncId } })
  if (state !== 'cancelled') throw new Error(`The long one was ${state} before the others were: it must be longer`)
  while (await isRunning(scene)) await wait(50)
}

/** How many items of the long history are safely stored. */
async function storedOf({ db, whale }: Neighbours): Promise<number> {
  const [row] = await asService(() =>
    db.query<{ items: number }>('SELECT coalesce(sum(new_items), 0)::int AS items FROM sync_jobs WHERE connection_id = $1', [whale]),
  )
  return row?.items ?? 0
}

async function isRunning({ db, whale }: Neighbours): Promise<boolean> {
  const leases = await asService(() =>
    db.query('SELECT FROM leases WHERE connection_id = $1 AND holder IS NOT NULL AND expires_at > now()', [whale]),
  )
  return leases.length > 0
}

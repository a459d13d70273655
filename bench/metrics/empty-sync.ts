import type { Database } from '@asheville/database'
import { startScene, type Scene } from '@asheville/e2e/scene.ts'
import { compare } from '../compare.ts'
import { addPeopleLike, makeAllDue, openAccountsData, untilCaughtUp } from '../many-people.ts'
import { cpuOfServices } from '../processes.ts'
import { startBareQueue, type BareQueue } from '../start-bare-queue.ts'

interface EmptySyncs extends Scene {
  db: Database
  bare: BareQueue
  syncs: number
}

const streams = ['statuses']
/** Jobs at once, as many as a process of ours has unless told otherwise. */
const concurrency = 100

/**
 * The CPU time that a scheduled sync costs all services together which finds nothing new, from the claim to what is told of it, against that of a job of
 * BullMQ alone that does nothing. Each sync is of another person, who has connected one account and wants one stream of it.
 */
export const emptySync = compare<EmptySyncs>({
  name: 'empty-sync',
  unit: 'x a no-op job',
  valueUnit: 'ms of CPU',
  goal: 6,
  rounds: ({ quick }) => (quick ? 3 : 7),
  async setup({ quick }, opened) {
    const syncs = quick ? 300 : 1000
    const started = startScene({ rateLimit: null }, { seed: 'empty', statuses: 0 }, { SYNC_INTERVAL_MINUTES: '1000' })
    const scene = opened.adopt(await started, ({ close }) => close())
    const { instance, person } = scene
    const db = opened.adopt(openAccountsData(instance), (one) => one.close())
    await addPeopleLike(instance, db, { userId: person.userId, streams, count: syncs - 1 })
    const bare = opened.adopt(await startBareQueue(instance, concurrency), ({ close }) => close())
    const all = { ...scene, db, bare, syncs }
    // The first sync of everybody, and then until all code has been compiled that is going to be.
    for (let round = 0; round < 3; round += 1) {
      await syncAll(all)
      await bare.run(syncs)
    }
    return all
  },
  async a(scene) {
    const before = await cpuOfServices(scene.instance)
    await syncAll(scene)
    return { value: ((await cpuOfServices(scene.instance)) - before) / scene.syncs, cpuMs: null }
  },
  async b({ bare, syncs }) {
    return { value: (await bare.run(syncs)).cpuMs / syncs, cpuMs: null }
  },
  async verify({ mastodon, syncs }) {
    const { total } = mastodon.counters.snapshot()
    if (total < syncs * 4) throw new Error(`The network was asked ${total} times`)
  },
})

async function syncAll({ db, syncs }: EmptySyncs): Promise<void> {
  const due = await makeAllDue(db, streams)
  if (due !== syncs) throw new Error(`${due} streams are due instead of ${syncs}`)
  await untilCaughtUp(db)
}

import { lower } from '@asheville/e2e/figures.ts'
import { connectOAuth, syncNow } from '@asheville/e2e/instance.ts'
import { checkScene, startScene } from '@asheville/e2e/scene.ts'
import { requireDone, requireRight, type Metric } from '../metric.ts'
import { storageCalls } from '../storage-calls.ts'

/** Calls of a sync that are not for its page files: README, profile, manifest and the like. */
const allowance = 6

/**
 * What a first sync costs at the storage: 10,000 posts over five years; then, of another account, the same posts with 500
 * pictures, so that the difference is the pictures'.
 */
export const storageCallsOfFirstSync: Metric = {
  name: 'storage-calls',
  async measure({ quick }) {
    const [statuses, pictures] = quick ? [2000, 100] : [10_000, 500]
    const posts = { seed: 'calls', statuses, boosts: false, from: '2020-01-01T00:00:00Z', to: '2024-12-31T00:00:00Z' }
    const scene = await startScene({ accounts: ['alice', 'bob'] }, posts)
    try {
      const { instance, mastodon, person } = scene
      const atStart = await storageCalls(instance)
      requireDone(await syncNow(instance, person.userId, { timeoutMs: 600_000 }))
      const plain = (await storageCalls(instance)) - atStart
      await requireRight(scene)
      const { pages } = (await checkScene(scene)).counts

      mastodon.generate({ ...posts, account: 'bob', pictures })
      const before = await storageCalls(instance)
      const authorize = (address: string) => mastodon.authorize(address, { account: 'bob' })
      await connectOAuth(instance, person, 'mastodon', { server: mastodon.url }, authorize)
      requireDone(await syncNow(instance, person.userId, { timeoutMs: 600_000 }))
      const illustrated = (await storageCalls(instance)) - before

      return [
        lower('storage-calls-per-page-file', (plain - allowance) / pages, 'calls', 1.25),
        lower('storage-calls-per-picture', (illustrated - plain) / pictures, 'calls', 1.2),
        lower('storage-calls-page-files', pages, 'files'),
      ]
    } finally {
      await scene.close()
    }
  },
}

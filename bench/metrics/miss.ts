import { randomUUID } from 'node:crypto'
import { connect, signUp, startInstance } from '@asheville/e2e/instance.ts'
import { untilAtRest } from '@asheville/e2e/harness/index.ts'
import { lower } from '@asheville/e2e/figures.ts'
import { connectRedis, disconnect, isReadyWithin, scanKeys } from '@asheville/redis'
import { startWebdav } from '@asheville/simulators'
import { Pool } from 'undici'
import { itemKey } from '../../apps/platform/src/page-path.ts'
import { median } from '../compare.ts'
import type { Metric } from '../metric.ts'

const latencyMs = 30
const itemsOfMonth = 50
const login = { user: 'alice', password: 'correct horse' }
const authorization = `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}`
const account = { id: '1', handle: 'ann', title: 'Ann', url: null }

/**
 * How long one item takes of which nothing is kept anywhere, against getting its page file alone from the same WebDAV server by undici. The server takes 30 ms for each call; both
 * take turns, one item of each month. And how often the storage is asked when a hundred ask for one such item at once.
 */
export const miss: Metric = {
  name: 'miss',
  async measure({ quick }) {
    const opened = new AsyncDisposableStack()
    try {
      const webdav = opened.adopt(await startWebdav({ latencyMs, nextcloud: true }), (one) => one.close())
      const instance = opened.adopt(await startInstance([webdav.url]), (one) => one.close())
      const person = await signUp(instance)
      const { userId } = person
      const { id: storageId } = await connect(instance, person, 'webdav', { address: webdav.url, ...login })
      const months = Array.from({ length: quick ? 30 : 110 }, (_, number) => new Date(Date.UTC(2015, number)).toISOString().slice(0, 7))
      const origin = { storageId, connectionId: randomUUID(), stream: 'statuses', fence: 1, network: 'mastodon', account }
      for (const month of months) {
        const items = Array.from({ length: itemsOfMonth }, (_, number) => postOf(month, number))
        await instance.platform('workers').putItems({ userId, body: { ...origin, items, gone: [], covers: [] } })
      }
      await untilAtRest(instance.constellation)
      const redis = opened.adopt(connectRedis(instance.constellation.env.platform['REDIS_URL'] ?? ''), disconnect)
      if (!(await isReadyWithin(redis, 5000))) throw new Error('Redis does not answer')
      for await (const keys of scanKeys(redis, 'platform:page:*')) for (const key of keys) await redis.unlink(key)

      const files = webdav.truth()[login.user]!.files
      const bare = opened.adopt(new Pool(webdav.url, { connections: 1 }), (pool) => pool.close())
      const web = instance.platform('web')
      const keyOf = (month: string) =>
        itemKey({ network: 'mastodon', accountId: account.id, contentType: 'posts', id: postOf(month, 7).id })
      const get = (month: string) => web.getItem({ userId, params: { key: keyOf(month) } })
      const getFile = async (month: string) => {
        const file = files.find(({ path }) => path.endsWith(`/posts/${month}.json`))
        const path = `/remote.php/dav/files/${login.user}/${file?.path.replace(/^\//, '')}`
        const { statusCode, body } = await bare.request({ method: 'GET', path, headers: { authorization } })
        await body.text()
        if (statusCode !== 200) throw new Error(`The server answered ${statusCode}`)
      }
      const ours: number[] = []
      const alone: number[] = []
      const [crowded = '', ...rest] = months
      for (const month of rest) {
        ours.push(await took(() => get(month)))
        alone.push(await took(() => getFile(month)))
      }
      const before = webdav.counters.snapshot().total
      const crowd = await Promise.all(Array.from({ length: 100 }, () => get(crowded)))
      if (crowd.some(({ id }) => id !== postOf(crowded, 7).id)) throw new Error('Another item was answered')
      return [
        lower('miss', median(ours.slice(5)) / median(alone.slice(5)), 'x the storage by itself', 1.1),
        lower('miss-a', median(ours.slice(5)), 'ms'),
        lower('miss-b', median(alone.slice(5)), 'ms'),
        lower('miss-crowd', webdav.counters.snapshot().total - before, 'calls of the storage, of 100 who ask at once', 1),
      ]
    } finally {
      await opened.disposeAsync()
    }
  },
}

function postOf(month: string, number: number) {
  const at = `${month}-${String(1 + (number % 28)).padStart(2, '0')}T12:00:00.000Z`
  const id = `https://example.social/@ann/${month}-${number}`
  const content = `This is post ${number} of ${month}, which says as much as most of them do. `.repeat(4)
  const object = { id, type: 'Note', published: at, content }
  return { id, contentType: 'posts' as const, at, object, media: [], raw: { id, content }, seenAt: at, mediaStates: {} }
}

async function took(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

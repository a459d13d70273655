import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { higher, lower } from '@asheville/e2e/figures.ts'
import { untilAtRest } from '@asheville/e2e/harness/index.ts'
import { syncNow } from '@asheville/e2e/instance.ts'
import { startMastodonSide } from '@asheville/e2e/network-side.ts'
import { startPair } from '@asheville/e2e/pair.ts'
import { startApacheSide } from '@asheville/e2e/storage-side.ts'
import { requireDone, requireRightPair, type Metric } from '../metric.ts'

const run = promisify(execFile)

/**
 * Posts of one year to Apache's mod_dav: pulled from a simulated Mastodon and stored by us, then the same posts, one file each and on the disk already,
 * copied there by rclone. It takes root, and Debian's `apache2-bin` and `rclone`.
 */
export const besideRclone: Metric = {
  name: 'beside-rclone',
  isNamedAlone: true,
  async measure({ quick }) {
    const posts = quick ? 1000 : 10_000
    const pair = await startPair(await startMastodonSide({ accounts: ['alice'] }), await startApacheSide())
    const { network, storage, instance, person } = pair
    const place = await mkdtemp(join(tmpdir(), 'asheville-rclone-'))
    try {
      network.generate({ account: 'alice', seed: 'rclone', posts, from: '2024-01-01T00:00:00Z', to: '2024-12-31T00:00:00Z' })
      await network.connect(instance, person, 'alice')
      const before = await storage.calls(instance)
      const began = performance.now()
      requireDone(await syncNow(instance, person.userId, { timeoutMs: 1_200_000 }))
      const ours = performance.now() - began
      await untilAtRest(instance.constellation)
      const calls = (await storage.calls(instance)) - before
      await requireRightPair(pair, ['alice'])

      const written = await storage.withFolder(instance, person, (folder) => writeOneByOne(folder, place))
      if (written !== posts) throw new Error(`${written} posts are stored, and not ${posts}`)
      const { theirs, theirCalls } = await rclone(storage.server, place)
      const per = (count: number) => count / (posts / 1000)
      return [
        lower('beside-rclone-calls', per(calls), 'requests per 1,000 posts', 3),
        lower('beside-rclone-calls-rclone', per(theirCalls), 'requests per 1,000 posts'),
        higher('beside-rclone', theirs / ours, 'x as fast as rclone', 10),
        lower('beside-rclone-a', ours / 1000, 's, pulled and stored'),
        lower('beside-rclone-b', theirs / 1000, 's, rclone copy'),
      ]
    } finally {
      await pair.close()
      await rm(place, { recursive: true, force: true })
    }
  },
}

/** Every stored post as a file of its own; answers how many. */
async function writeOneByOne(folder: string, place: string): Promise<number> {
  let written = 0
  for (const path of await readdir(folder, { recursive: true })) {
    if (!/\/posts\/[^/]+\.json$/.test(path)) continue
    const { orderedItems } = JSON.parse(await readFile(join(folder, path), 'utf8')) as { orderedItems: unknown[] }
    for (const item of orderedItems) await writeFile(join(place, `${++written}.json`), JSON.stringify(item))
  }
  return written
}

async function rclone(
  server: Awaited<ReturnType<typeof startApacheSide>>['server'],
  place: string,
): Promise<{ theirs: number; theirCalls: number }> {
  const { stdout: obscured } = await run('rclone', ['obscure', server.password])
  const remote = `:webdav,url='${server.url}/',vendor=other,user=alice,pass='${obscured.trim()}':one-by-one`
  const before = await server.requests()
  const began = performance.now()
  await run('rclone', ['copy', '--config', '', place, remote], { timeout: 1_200_000 })
  return { theirs: performance.now() - began, theirCalls: (await server.requests()) - before }
}

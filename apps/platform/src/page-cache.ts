import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import { AshevilleError } from '@asheville/core'
import type { Redis } from '@asheville/redis'
import type { PlatformMetrics } from './metrics.ts'
import { parsePage, type Page } from './page-file.ts'
import { createRecentPages } from './recent-pages.ts'

/** One version of one page file of one person. */
export interface PageVersion {
  userId: string
  storageId: string
  path: string
  revision: string
}

/** Copies of page files that are likely to be wanted again soon. Without it everything works, with more calls to the storage. */
export interface PageCache {
  get(version: PageVersion): Promise<string | null>
  put(version: PageVersion, text: string): Promise<void>
  /** The same as a page, which is had once: this process may have written it a moment ago. */
  takePage(version: PageVersion): Promise<Page | null>
  /** `bytes`: what its items take. */
  putPage(version: PageVersion, page: Page, text: string, bytes: number): Promise<void>
  /** Nothing of these pages is left in it, whichever version. Throws `unavailable` when that cannot be said. */
  forget(pages: readonly Omit<PageVersion, 'revision'>[]): Promise<void>
}

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)
/** Three quarters of the time of the fastest gzip, and smaller. */
const fast = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }
const keepSeconds = 15 * 60
const maxEntryBytes = 1024 * 1024

/**
 * Page files in Redis, compressed. Redis also holds the queues and must never evict, so the space is bounded by construction:
 * a version has one slot that it may be in, of `slots`, and what was there before goes. Failures are misses.
 */
export function createPageCache(redis: Redis, metrics: Pick<PlatformMetrics, 'pageCache'>, slots = 128): PageCache {
  const recent = createRecentPages()
  const nameOf = ({ userId, storageId, path, revision }: PageVersion) =>
    createHash('sha256')
      .update(JSON.stringify([userId, storageId, path, revision]))
      .digest()
  const keyOf = ({ userId, storageId, path }: Omit<PageVersion, 'revision'>) => {
    const slot =
      createHash('sha256')
        .update(JSON.stringify([userId, storageId, path]))
        .digest()
        .readUInt32BE(0) % slots
    return `platform:page:${slot}`
  }

  async function find(version: PageVersion): Promise<string | null> {
    const name = nameOf(version)
    const value = await redis.getBuffer(keyOf(version))
    if (!value?.subarray(0, name.length).equals(name)) return null
    return (await decompress(value.subarray(name.length))).toString()
  }

  async function get(version: PageVersion): Promise<string | null> {
    const found = await find(version).catch(() => null)
    metrics.pageCache.inc({ result: found === null ? 'miss' : 'hit' })
    return found
  }

  async function put(version: PageVersion, text: string): Promise<void> {
    const compressed = await compress(text, fast)
    if (compressed.length > maxEntryBytes) return
    await redis.set(keyOf(version), Buffer.concat([nameOf(version), compressed]), 'EX', keepSeconds).catch(() => undefined)
  }

  return {
    get,
    put,
    async takePage(version) {
      const page = recent.take(version)
      if (page === null) {
        const text = await get(version)
        return text === null ? null : parsePage(text)
      }
      metrics.pageCache.inc({ result: 'hit' })
      return page
    },
    putPage(version, page, text, bytes) {
      recent.put(version, page, bytes)
      return put(version, text)
    },
    async forget(pages) {
      pages.forEach(recent.forget)
      // A slot may hold another's page by now; that one is read from its storage once more.
      const taken = [...new Set(pages.map(keyOf))]
      await Promise.all(taken.map((key) => redis.unlink(key))).catch((error: unknown) => {
        throw new AshevilleError('unavailable', 'The cache does not answer', { cause: error, retryAfterMs: 2000 })
      })
    },
  }
}

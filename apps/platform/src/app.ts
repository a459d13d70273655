import { platformRoutes } from '@asheville/clients'
import { bindAll, repeat, startService, type Apps, type Logger, type Service, type Verify } from '@asheville/service'
import { asCaller, asService, type Database } from '@asheville/database'
import type { Redis } from '@asheville/redis'
import { createIdempotency } from './create-idempotency.ts'
import { dropAfter } from './drop-after.ts'
import { countDue } from './handlers/count-due.ts'
import { events } from './handlers/events.ts'
import { findMedia } from './handlers/find-media.ts'
import { finishSync } from './handlers/finish-sync.ts'
import { forgetPerson } from './handlers/forget-person.ts'
import { getCalendar } from './handlers/get-calendar.ts'
import { getCounts } from './handlers/get-counts.ts'
import { getFile } from './handlers/get-file.ts'
import { getItem } from './handlers/get-item.ts'
import { getSpace } from './handlers/get-space.ts'
import { listItems } from './handlers/list-items.ts'
import { listPending } from './handlers/list-pending.ts'
import { putItems } from './handlers/put-items.ts'
import { putMedia } from './handlers/put-media.ts'
import { reindex } from './handlers/reindex.ts'
import { removeCopies } from './handlers/remove-copies.ts'
import { renderDue } from './handlers/render-due.ts'
import { setApart } from './handlers/set-apart.ts'
import { setFocus } from './handlers/set-focus.ts'
import { writeItems } from './handlers/write-items.ts'
import { getCoverage, leaveOut, prepareRepair, startVerification } from './handlers/verify.ts'
import { createPlatformMetrics } from './metrics.ts'
import { createKeptReplies } from './kept-replies.ts'
import { createPageCache } from './page-cache.ts'
import type { OriginOf } from './origins-of.ts'
import { createPageReader } from './page-reader.ts'
import { createFindSize } from './renditions/find-size.ts'
import { createFreshPictures } from './renditions/fresh-pictures.ts'
import { createRenderer } from './renditions/create-renderer.ts'
import { createSpooler } from './spool.ts'
import { startVerifier } from './start-verifier.ts'
import type { StorageOf } from './storage-access.ts'
import { withCount } from './with-count.ts'
import { createFreshQueue } from './words/fresh-items.ts'
import { indexWords } from './words/index-words.ts'

export interface PlatformOptions {
  host: string
  port: number
  /** As `startService` has it. */
  sharePort?: boolean
  logger: Logger
  verify: Verify
  /** Who knows people's programs. */
  apps: Apps
  db: Database
  storageOf: StorageOf
  /** Where what is no network's goes; throws `conflict` for who has no storage. */
  homeOf(userId: string): Promise<string>
  /** Whose connection brings what, of a person. */
  originsOf(userId: string): Promise<OriginOf>
  /** For what is likely to be wanted again soon. */
  redis: Redis
  scratchDir: string
  /** What smaller copies of pictures may take in the database, of everybody. */
  renditionsBytes: number
  version: string
  now?(): Date
  close?(): Promise<void>
}

/** A batch may touch many files of a slow storage. */
const deadlineMs = 110_000

/** How soon words of what was stored are looked up; and by how many at a time, so that one slow storage does not hold up the others. */
const wordsEveryMs = 1000
const wordsAtOnce = 2

/** Starts platform: the routes of `platformRoutes` over one database and people's storages, and what it does by itself. */
export async function startPlatform(options: PlatformOptions): Promise<Service> {
  const { db, now = () => new Date() } = options
  const metrics = createPlatformMetrics()
  const cache = createPageCache(options.redis, metrics)
  const replies = createKeptReplies(options.redis)
  const storageOf: StorageOf = async (userId, storageId) => {
    const { storage, provider } = await options.storageOf(userId, storageId)
    return { storage: withCount(storage, provider, metrics), provider }
  }
  const fresh = createFreshQueue()
  const reading = { db, storageOf, readPage: createPageReader(cache), replies }
  const renderer = createRenderer()
  const rendering = { db, storageOf, replies, renderer, cacheBytes: options.renditionsBytes }
  const storing = { db, storageOf, spooler: createSpooler({ directory: options.scratchDir }), underWay: new Map() }
  const verifier = startVerifier({ db, storageOf, cache, replies, fresh, logger: options.logger, now })
  const verifying = { db, storageOf, wake: () => verifier.wake() }
  const bindings = bindAll(platformRoutes, {
    findMedia: findMedia({ db, storageOf }),
    listPending: listPending(reading),
    putMedia: putMedia({ ...storing, takeFresh: createFreshPictures(rendering) }),
    putItems: putItems({ db, storageOf, cache, fresh, metrics, now }),
    finishSync: finishSync({ db, storageOf }),
    removeCopies: removeCopies({ db, storageOf, cache }),
    forgetPerson: forgetPerson({ db, storageOf, cache }),
    reindex: reindex({ db, storageOf, fresh, originsOf: options.originsOf }),
    listItems: listItems(reading),
    writeItems: writeItems({ db, storageOf, cache, fresh, metrics, now, homeOf: options.homeOf }),
    events: events({ db }),
    getCalendar: getCalendar({ db }),
    getItem: getItem(reading),
    getFile: getFile({ ...reading, findSize: createFindSize(rendering) }),
    setApart: setApart({ db, storageOf, now }),
    setFocus: setFocus({ db, storageOf, now }),
    renderDue: renderDue(rendering),
    countDue: countDue({ db }),
    startVerification: startVerification(verifying),
    getCoverage: getCoverage({ db }),
    prepareRepair: prepareRepair(verifying),
    leaveOut: leaveOut(verifying),
    getCounts: getCounts({ db }),
    getSpace: getSpace({ storageOf }),
  })
  const controller = new AbortController()
  const { signal } = controller
  const service = await startService({
    name: 'platform',
    host: options.host,
    port: options.port,
    sharePort: options.sharePort ?? false,
    logger: options.logger,
    verify: options.verify,
    apps: options.apps,
    version: options.version,
    bindings: bindings.map((binding) => dropAfter(binding, replies)),
    idempotency: createIdempotency(db),
    asCaller,
    metrics: metrics.registry,
    checks: { postgres: async () => void (await db.query('SELECT 1')) },
    deadlineMs,
    async close() {
      controller.abort()
      await Promise.all(loops)
      await renderer.close()
      await verifier.close()
      await options.close?.()
    },
  })
  const loops = Array.from({ length: wordsAtOnce }, () =>
    repeat('index-words', wordsEveryMs, () => asService(() => indexWords({ db, storageOf, cache, replies, fresh, metrics }, signal)), {
      log: options.logger,
      signal,
    }),
  )
  return service
}

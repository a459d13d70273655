import { join } from 'node:path'
import { accountsRoutes, createClient } from '@asheville/clients'
import type { Http } from '@asheville/core'
import { createDatabase } from '@asheville/database'
import { startPlatform as start } from '@asheville/platform/src/app.ts'
import { createApps } from '@asheville/platform/src/create-apps.ts'
import { createHomeOf } from '@asheville/platform/src/home-of.ts'
import { createStorageAccess } from '@asheville/platform/src/storage-access.ts'
import { connectRedis } from '@asheville/redis'
import { createVerifier, type Logger, type PublicKeys, type Sign } from '@asheville/service'
import { storageById } from '@asheville/storages'
import { testDatabase } from '@asheville/testkit'

interface Options {
  accountsUrl: string
  redisUrl: string
  sign: Sign
  publicKeys: PublicKeys
  logger: Logger
  http: Http
  directory: string
}

/** Platform as it runs, with this server's disk below `directory`, and a look into its index. */
export async function startPlatform({ accountsUrl, redisUrl, sign, publicKeys, logger, http, directory }: Options) {
  const database = await testDatabase('platform', join(import.meta.dirname, '../../platform/src/migrations'))
  const own = createDatabase({ url: database.url, schema: 'platform', poolSize: 5 })
  const db = createDatabase({ url: database.adminUrl, schema: 'platform', poolSize: 1 })
  const cache = connectRedis(redisUrl, { commandTimeoutMs: 500 })
  const accounts = createClient(accountsRoutes, { service: 'accounts', baseUrl: accountsUrl, sign })
  const service = await start({
    host: '127.0.0.1',
    port: 0,
    logger,
    verify: createVerifier({ audience: 'platform', publicKeys }),
    apps: createApps({ accounts, redis: cache }),
    db: own,
    storageOf: createStorageAccess({ accounts, storageById, http, variables: { LOCAL_STORAGE_DIR: join(directory, 'storage') } }),
    originsOf: () => Promise.reject(new Error('Nothing is made anew here')),
    homeOf: createHomeOf(accounts),
    redis: cache,
    scratchDir: join(directory, 'spool'),
    renditionsBytes: 64 * 1024 ** 2,
    version: '0.0.0',
  })
  return {
    url: service.url,
    stored: (userId: string) => db.query<{ id: string }>('SELECT id FROM items WHERE user_id = $1', [userId]),
    /** The time has come to try again for files that could not be had. */
    passPendingTime: () => db.query('UPDATE pending_items SET next_at = now()'),
    /** Nobody has looked at the pictures of that person. */
    forgetPictures: (userId: string) =>
      db.query("UPDATE media SET rendering_due_at = now() - interval '1 minute', rendering_error = NULL WHERE user_id = $1", [userId]),
    picturesToLookAt: async (userId: string) =>
      (await db.query('SELECT FROM media WHERE user_id = $1 AND rendering_due_at IS NOT NULL', [userId])).length,
    async close() {
      await service.close()
      cache.disconnect()
      await Promise.all([own.close(), db.close()])
      await database.close()
    },
  }
}

import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Fields } from '@asheville/core'
import { isRedisUrl } from '@asheville/redis'
import { commaList, integer, origin, readConfig, serviceConfigShape } from '@asheville/service'
import { storages } from '@asheville/storages'
import { z } from 'zod'

/** Adapters' settings, each with its own default. */
const variables = storages.flatMap((storage) => storage.variables)
const variableShape = Object.fromEntries(variables.map(({ name, default: value }) => [name, z.string().default(value)]))

const schema = z.object({
  ...variableShape,
  ...serviceConfigShape,
  ACCOUNTS_URL: origin,
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// address' }),
  REDIS_URL: z.string().refine(isRedisUrl, 'must be a redis:// address, or several of a cluster'),
  /** Which private addresses adapters may reach: host:port or CIDR. */
  OUTBOUND_ALLOW: commaList,
  /** For files that are too large for memory while they pass through; may be empty at any start. */
  SCRATCH_DIR: z.string().default(join(tmpdir(), 'asheville-platform')),
  /** What smaller copies of pictures, of everybody together, may take in the database, in MiB; those not looked at for long go first. */
  RENDITIONS_MB: integer.default(2048).refine((size) => size >= 1, 'must be 1 or more'),
  /** Connections to Postgres of this process. */
  DATABASE_POOL: integer.default(10).refine((size) => size >= 1 && size <= 100, 'must be from 1 to 100'),
})

/** The settings of a platform process; secrets apart, so that the rest may be passed around. */
export function readPlatformConfig(env: NodeJS.ProcessEnv = process.env) {
  const { SERVICE_PRIVATE_KEY: privateKey, DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, ...config } = readConfig(schema, env)
  const settings = config as unknown as Record<string, string>
  const fields: Fields = Object.fromEntries(variables.map(({ name }) => [name, settings[name] ?? '']))
  return { config, variables: fields, secrets: { privateKey, databaseUrl, redisUrl } }
}

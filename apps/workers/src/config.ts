import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Fields } from '@asheville/core'
import { networks } from '@asheville/networks'
import { commaList, integer, origin, readConfig, serviceConfigShape } from '@asheville/service'
import { z } from 'zod'

/** Adapters' settings, each with its own default. */
const variables = networks.flatMap((network) => network.variables)
const variableShape = Object.fromEntries(variables.map(({ name, default: value }) => [name, z.string().default(value)]))

const schema = z.object({
  ...variableShape,
  ...serviceConfigShape,
  ACCOUNTS_URL: origin,
  PLATFORM_URL: origin,
  REDIS_URL: z.url({ protocol: /^rediss?$/, error: 'must be a redis:// address' }),
  /** Which private addresses adapters may reach: host:port or CIDR. */
  OUTBOUND_ALLOW: commaList,
  /** For spooling while a stream is pulled; may be empty at any start. */
  SCRATCH_DIR: z.string().default(join(tmpdir(), 'asheville-workers')),
  /** Jobs at once for each network. */
  WORKER_CONCURRENCY: integer.default(5).refine((count) => count >= 1 && count <= 100, 'must be from 1 to 100'),
})

export type Config = ReturnType<typeof readWorkerConfig>

/** The settings of a worker process; the private key apart, so that the rest may be passed around. */
export function readWorkerConfig(env: NodeJS.ProcessEnv = process.env) {
  const { SERVICE_PRIVATE_KEY: privateKey, ...config } = readConfig(schema, env)
  const settings = config as unknown as Record<string, string>
  const fields: Fields = Object.fromEntries(variables.map(({ name }) => [name, settings[name] ?? '']))
  return { config, variables: fields, secrets: { privateKey } }
}

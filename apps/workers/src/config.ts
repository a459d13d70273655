import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Fields, Variable } from '@asheville/core'
import { isRedisUrl } from '@asheville/redis'
import { commaList, integer, origin, readConfig, serviceConfigShape } from '@asheville/service'
import { z } from 'zod'

const schema = z.object({
  ...serviceConfigShape,
  ACCOUNTS_URL: origin,
  PLATFORM_URL: origin,
  REDIS_URL: z.string().refine(isRedisUrl, 'must be a redis:// address, or several of a cluster'),
  /** Where jobs are queued. */
  QUEUE_URL: z.string().refine((url) => isRedisUrl(url) || /^postgres(ql)?:\/\//.test(url), 'must be a redis:// or postgres:// address'),
  /** Which private addresses adapters may reach: host:port or CIDR. */
  OUTBOUND_ALLOW: commaList,
  /** For spooling while a stream is pulled; may be empty at any start. */
  SCRATCH_DIR: z.string().default(join(tmpdir(), 'asheville-workers')),
  /** How many requests a network allows in its window, where its adapter does not know: mastodon:900; 0 for any number. */
  REQUEST_BUDGETS: commaList.transform(requestBudgets),
  /** Jobs of each network that pull and store at once; many more look whether there is anything new. */
  WORKER_CONCURRENCY: integer.refine((count) => count >= 1 && count <= 100, 'must be from 1 to 100').default(5),
})

function requestBudgets(entries: readonly string[], context: z.RefinementCtx): ReadonlyMap<string, number> {
  const pairs = entries.map((entry) => /^([a-z0-9-]+):(\d{1,9})$/.exec(entry) ?? [])
  if (pairs.some(([entry]) => entry === undefined)) context.addIssue('must be like mastodon:900,bluesky:5000')
  return new Map(pairs.map(([, network = '', requests]) => [network, Number(requests)]))
}

/** The settings of a worker process and of its adapters; the private key apart, so that the rest may be passed around. */
export function workersConfig(adapters: readonly { variables: readonly Variable[] }[], env: NodeJS.ProcessEnv = process.env) {
  const known = adapters.flatMap(({ variables }) => variables)
  const variableShape = Object.fromEntries(known.map(({ name, default: value }) => [name, z.string().default(value)]))
  const { SERVICE_PRIVATE_KEY: privateKey, ...config } = readConfig(schema, env)
  const variables: Fields = readConfig(z.object(variableShape), env)
  return { config, variables, secrets: { privateKey } }
}

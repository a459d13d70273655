import { isRedisUrl } from '@asheville/redis'
import { origin, readConfig, serviceConfigShape } from '@asheville/service'
import { z } from 'zod'

const schema = z.object({
  ...serviceConfigShape,
  ACCOUNTS_URL: origin,
  PLATFORM_URL: origin,
  REDIS_URL: z.string().refine(isRedisUrl, 'must be a redis:// address, or several of a cluster'),
  /** Where jobs are queued. */
  QUEUE_URL: z.string().refine((url) => isRedisUrl(url) || /^postgres(ql)?:\/\//.test(url), 'must be a redis:// or postgres:// address'),
})

/** The settings of a conductor process; the private key apart, so that the rest may be passed around. */
export function conductorConfig(env: NodeJS.ProcessEnv = process.env) {
  const { SERVICE_PRIVATE_KEY: privateKey, ...config } = readConfig(schema, env)
  return { config, secrets: { privateKey } }
}

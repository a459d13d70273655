import { integer, origin, readConfig, serviceConfigShape } from '@asheville/service'
import { z } from 'zod'

const schema = z.object({
  ...serviceConfigShape,
  /** The public origin: links and cookies are made for it, whatever a request's Host header says. */
  WEB_URL: origin,
  ACCOUNTS_URL: origin,
  CONDUCTOR_URL: origin,
  PLATFORM_URL: origin,
  WEB_SECRET: z.string().min(32, 'must have at least 32 characters'),
  /** Shown to the owner on the status page. */
  LOCAL_STORAGE_DIR: z.string().optional(),
  /** Milliseconds that a page may wait for the other services. */
  PAGE_DEADLINE_MS: integer.prefault('1900'),
})

/** Web's settings; secrets are apart, so that the rest may be logged. Throws with every fault at once. */
export function webConfig(env: NodeJS.ProcessEnv = process.env) {
  const { SERVICE_PRIVATE_KEY, WEB_SECRET, ...config } = readConfig(schema, env)
  return { config, secrets: { privateKey: SERVICE_PRIVATE_KEY, webSecret: WEB_SECRET } }
}

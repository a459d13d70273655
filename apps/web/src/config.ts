import { isIP } from 'node:net'
import { commaList, integer, origin, readConfig, serviceConfigShape } from '@asheville/service'
import { z } from 'zod'

/** `192.0.2.1`, `10.0.0.0/8`. */
function isAddressBlock(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1
  return rest.length === 0 && most > 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most))
}

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
  /** Proxies in front that say in X-Forwarded-For whom they speak for, by address or CIDR; those on this machine need not be named. */
  TRUSTED_PROXIES: commaList.refine((blocks) => blocks.every(isAddressBlock), 'must be addresses or CIDRs, comma-separated'),
  /** Milliseconds that a page may wait for the other services. */
  PAGE_DEADLINE_MS: integer.prefault('1900'),
})

/** Web's settings; secrets are apart, so that the rest may be logged. Throws with every fault at once. */
export function webConfig(env: NodeJS.ProcessEnv = process.env) {
  const { SERVICE_PRIVATE_KEY, WEB_SECRET, ...config } = readConfig(schema, env)
  return { config, secrets: { privateKey: SERVICE_PRIVATE_KEY, webSecret: WEB_SECRET } }
}

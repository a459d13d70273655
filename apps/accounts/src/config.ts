import type { Fields, Variable } from '@asheville/core'
import { isRedisUrl } from '@asheville/redis'
import { commaList, flag, integer, origin, readConfig, serviceConfigShape } from '@asheville/service'
import { z } from 'zod'
import { readSealingKeys } from './sealing.ts'

/** Checked here and read again below: what is read is frozen, and the bytes of a key cannot be. */
const credentialKeys = z.string().superRefine((text, context) => {
  try {
    readSealingKeys(text)
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : 'is malformed' })
  }
})

const shape = {
  ...serviceConfigShape,
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// address' }),
  REDIS_URL: z.string().refine(isRedisUrl, 'must be a redis:// address, or several of a cluster'),
  /** The origin that people use. */
  WEB_URL: origin,
  /** `id:base64` of 32 bytes each, comma-separated; the first seals, the others only open. */
  CREDENTIAL_KEYS: credentialKeys,
  /** Which private addresses may be reached when people connect: host:port or CIDR. */
  OUTBOUND_ALLOW: commaList,
  /** Whether others than the owner may sign up. */
  SIGN_UP_OPEN: flag,
  /** The mail server, with user and password: smtp://… (STARTTLS) or smtps://…; without one this server sends no mail. */
  SMTP_URL: z.url({ protocol: /^smtps?$/, error: 'must be an smtp:// or smtps:// address' }).optional(),
  /** Whom mail comes from: an address, or Name <address>. */
  MAIL_FROM: z
    .string()
    .regex(/^([^<>\r\n]+ )?<?[^\s@<>"]+@[^\s@<>"]+>?$/, 'must be an address, or Name <address>')
    .optional(),
  /** A file of places in MaxMind's format (GeoLite2 City, DB-IP lite …): the list of sessions says where they are; without it, their addresses. */
  GEOIP_FILE: z.string().optional(),
  /** Minutes between two syncs that a connection gets by itself, at least; how many more goes by how often it has something new. */
  SYNC_INTERVAL_MINUTES: integer.refine((minutes) => minutes >= 1, 'must be at least 1').default(5),
  /** Days that syncs are kept in people’s history; those that found nothing new are kept for one, the last of each connection for good. */
  HISTORY_DAYS: integer.refine((days) => days >= 1, 'must be at least 1').default(90),
}

const schema = z.object(shape).refine(({ SMTP_URL, MAIL_FROM }) => (SMTP_URL === undefined) === (MAIL_FROM === undefined), {
  path: ['MAIL_FROM'],
  error: 'must be set where SMTP_URL is, and only there',
})

/** The settings of the accounts service; secrets apart, so that the rest may be passed around and logged. */
export function accountsConfig(adapters: readonly { variables: readonly Variable[] }[], env: NodeJS.ProcessEnv = process.env) {
  const known = adapters.flatMap(({ variables }) => variables)
  const variableShape = Object.fromEntries(known.map(({ name, default: value }) => [name, z.string().default(value)]))
  const { SERVICE_PRIVATE_KEY: _, CREDENTIAL_KEYS, DATABASE_URL, REDIS_URL, SMTP_URL, MAIL_FROM, ...config } = readConfig(schema, env)
  const mail = SMTP_URL !== undefined && MAIL_FROM !== undefined ? { url: SMTP_URL, from: MAIL_FROM } : null
  const variables: Fields = readConfig(z.object(variableShape), env)
  return {
    config,
    variables,
    secrets: { credentialKeys: readSealingKeys(CREDENTIAL_KEYS), databaseUrl: DATABASE_URL, redisUrl: REDIS_URL, mail },
  }
}

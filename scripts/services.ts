import { join } from 'node:path'
import { serviceNames, type ServiceName } from '@asheville/core'
import { networks } from '@asheville/networks'
import { storages } from '@asheville/storages'
import type { Environment } from './environment.ts'
import { publicKeysOf, type Secrets } from './secrets.ts'
import { portOf } from './service-ports.ts'

/** Where the parts of one installation are. */
export interface Places {
  dataDir: string
  /** Web's; the others follow in the order of `portOrder`. */
  port: number
  databaseUrls: { accounts: string; platform: string; queue: string }
  redisUrl: string
}

const root = join(import.meta.dirname, '..')

/** The file that starts a service. */
export function entryOf(service: ServiceName): string {
  return join(root, 'apps', service, 'src', 'main.ts')
}

/** What any process of ours may inherit: where programs, certificates and proxies are, how it speaks. */
const inherited = [
  'PATH',
  'HOME',
  'TMPDIR',
  'LANG',
  'TZ',
  'NODE_ENV',
  'NODE_OPTIONS',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'SystemRoot',
  'LOG_LEVEL',
]

/** Of the apps that the operator registered with providers: accounts alone signs people in. */
const appSecrets = new Set(
  [...networks, ...storages].flatMap(({ logins }) =>
    logins.flatMap((login) => (login.kind === 'oauth2' ? [login.clientSecretVariable] : [])),
  ),
)

/** What of the operator's settings a service reads beyond those, besides what the launcher works out. */
const settings: Record<ServiceName, readonly string[]> = {
  web: ['HOST', 'PAGE_DEADLINE_MS', 'TRUSTED_PROXIES'],
  accounts: [
    'OUTBOUND_ALLOW',
    'SIGN_UP_OPEN',
    'GEOIP_FILE',
    'SMTP_URL',
    'MAIL_FROM',
    'SYNC_INTERVAL_MINUTES',
    'HISTORY_DAYS',
    ...variablesOf([...networks, ...storages]),
  ],
  conductor: [],
  platform: ['OUTBOUND_ALLOW', 'DATABASE_POOL', 'RENDITIONS_MB', ...variablesOf(storages).filter((name) => !appSecrets.has(name))],
  workers: ['OUTBOUND_ALLOW', 'WORKER_CONCURRENCY', 'REQUEST_BUDGETS', ...variablesOf(networks).filter((name) => !appSecrets.has(name))],
}

/** The whole environment of every service: its own secrets and addresses, and no other's. */
export function environments(operator: Environment, secrets: Secrets, places: Places): Record<ServiceName, Record<string, string>> {
  const { dataDir, port, databaseUrls, redisUrl } = places
  const local = (service: ServiceName): string => `http://127.0.0.1:${portOf(service, port)}`
  const [ACCOUNTS_URL, CONDUCTOR_URL, PLATFORM_URL] = [local('accounts'), local('conductor'), local('platform')]
  const WEB_URL = webUrl(operator, port)
  const QUEUE_URL = queueUrl(operator, places)
  const scratch = (service: ServiceName): string => join(given(operator, 'SCRATCH_DIR') ?? join(dataDir, 'scratch'), service)
  const LOCAL_STORAGE_DIR = given(operator, 'LOCAL_STORAGE_DIR') ?? join(dataDir, 'files')
  const own: Record<ServiceName, Record<string, string>> = {
    web: {
      WEB_URL,
      ACCOUNTS_URL,
      CONDUCTOR_URL,
      PLATFORM_URL,
      LOCAL_STORAGE_DIR,
      WEB_SECRET: given(operator, 'WEB_SECRET') ?? secrets.webSecret,
    },
    accounts: {
      WEB_URL,
      DATABASE_URL: databaseUrls.accounts,
      REDIS_URL: redisUrl,
      CREDENTIAL_KEYS: given(operator, 'CREDENTIAL_KEYS') ?? secrets.credentialKeys,
      LOCAL_STORAGE_DIR,
    },
    conductor: { ACCOUNTS_URL, PLATFORM_URL, REDIS_URL: redisUrl, QUEUE_URL },
    platform: {
      ACCOUNTS_URL,
      DATABASE_URL: databaseUrls.platform,
      REDIS_URL: redisUrl,
      SCRATCH_DIR: scratch('platform'),
      LOCAL_STORAGE_DIR,
    },
    workers: { ACCOUNTS_URL, PLATFORM_URL, REDIS_URL: redisUrl, QUEUE_URL, SCRATCH_DIR: scratch('workers') },
  }
  const publicKeys = JSON.stringify(publicKeysOf(secrets))
  const environment = (service: ServiceName): Record<string, string> => ({
    NODE_ENV: 'production',
    ...picked(operator, [...inherited, ...settings[service]]),
    ...own[service],
    PORT: String(portOf(service, port)),
    SERVICE_PRIVATE_KEY: secrets.serviceKeys[service],
    SERVICE_PUBLIC_KEYS: publicKeys,
    NODE_COMPILE_CACHE: given(operator, 'NODE_COMPILE_CACHE') ?? join(dataDir, 'cache', 'node'),
  })
  return Object.fromEntries(serviceNames.map((name) => [name, environment(name)])) as Record<ServiceName, Record<string, string>>
}

/** The environment of one of several processes of a service: its number, and a place for its temporary files that no other empties. */
export function environmentOf(base: Readonly<Record<string, string>>, number: number): Record<string, string> {
  const { SCRATCH_DIR: scratch } = base
  return { ...base, INSTANCE: String(number), ...(scratch !== undefined && number > 1 ? { SCRATCH_DIR: `${scratch}-${number}` } : {}) }
}

/** The address that people use. */
export function webUrl(operator: Environment, port: number): string {
  return given(operator, 'WEB_URL') ?? `http://localhost:${port}`
}

/** Where jobs are queued. */
function queueUrl(operator: Environment, { databaseUrls, redisUrl }: Places): string {
  const backend = given(operator, 'QUEUE_BACKEND') ?? 'redis'
  if (backend !== 'redis' && backend !== 'postgres') throw new Error('QUEUE_BACKEND must be redis or postgres')
  return backend === 'postgres' ? databaseUrls.queue : redisUrl
}

function given(operator: Environment, name: string): string | undefined {
  return operator[name] === '' ? undefined : operator[name]
}

function picked(operator: Environment, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (operator[name] === undefined ? [] : [[name, operator[name]]])))
}

function variablesOf(adapters: readonly { variables: readonly { name: string }[] }[]): string[] {
  return adapters.flatMap(({ variables }) => variables.map(({ name }) => name))
}

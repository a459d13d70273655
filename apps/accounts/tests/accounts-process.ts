import { createHttp } from '@asheville/http-client'
import { createLogger } from '@asheville/service'
import { createAccounts } from '../src/app.ts'
import { readSealingKeys } from '../src/sealing.ts'
import { diary, disk, perServerNetwork } from './scripted-networks.ts'

/** Accounts in a process of its own, to be killed: what it needs comes as JSON in the first argument; it says where it listens. */
export interface AccountsProcess {
  databaseUrl: string
  redisUrl: string
  publicKeys: object
  /** As `CREDENTIAL_KEYS` has them. */
  credentialKeys: string
}

const { publicKeys, credentialKeys, ...urls } = JSON.parse(process.argv[2] ?? '{}') as AccountsProcess
const { url } = await createAccounts({
  ...urls,
  host: '127.0.0.1',
  port: 0,
  logger: createLogger('accounts', 'silent'),
  publicKeys: publicKeys as Parameters<typeof createAccounts>[0]['publicKeys'],
  credentialKeys: readSealingKeys(credentialKeys),
  networks: [perServerNetwork('meadow'), diary],
  storages: [disk],
  variables: {},
  http: createHttp({ allow: ['127.0.0.0/8'], timeoutMs: 45_000 }),
  webUrl: 'http://localhost:3000',
  isSignUpOpen: true,
  mail: null,
  syncIntervalMs: 15 * 60_000,
  historyDays: 90,
  geoipFile: null,
  version: '0.0.0',
})
process.stdout.write(`${url}\n`)

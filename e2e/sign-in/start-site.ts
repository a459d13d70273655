import type { Network, StorageAdapter } from '@asheville/core'
import { createLogger, type Service } from '@asheville/service'
import { storageById } from '@asheville/storages'
import { startAccounts, type RunningAccounts } from '../../apps/accounts/tests/start-accounts.ts'
import { startWeb } from '../../apps/web/src/app.ts'
import { createVisitor, type Visitor } from '../../apps/web/tests/visitor.ts'

export interface SignInSite {
  url: string
  accounts: RunningAccounts
  /** A browser of its own. */
  open(): Visitor
  close(): Promise<void>
}

interface Options {
  networks?: readonly Network[]
  storages?: readonly StorageAdapter[]
  variables: Record<string, string>
  webUrl?: string
  port?: number
  isSignUpOpen?: boolean
  /** Where mail goes; none leaves unless said here. */
  smtpUrl?: string
}

/** What browsers are told to come back to: the tests bring them there themselves. */
export const webUrl = 'http://localhost:3000'

/** Web and accounts as they run, with adapters of the test's own; nobody else answers. */
export async function startSite(options: Options): Promise<SignInSite> {
  const { networks = [], storages = [], variables } = options
  const all = [storageById('local')!, ...storages]
  const origin = options.webUrl ?? webUrl
  const accounts = await startAccounts({
    networks,
    storages: all,
    variables: { LOCAL_STORAGE_DIR: '/nowhere', ...variables },
    webUrl: origin,
    isSignUpOpen: options.isSignUpOpen ?? true,
    mail: options.smtpUrl === undefined ? null : { url: options.smtpUrl, from: 'post@asheville.example' },
  })
  const nowhere = 'http://127.0.0.1:9'
  const web: Service = await startWeb({
    host: '127.0.0.1',
    port: options.port ?? 0,
    logger: createLogger('web', 'silent'),
    sign: accounts.signerOf('web'),
    networks,
    storages: all,
    settings: {
      webUrl: origin,
      secret: 'a secret of at least thirty-two characters',
      urls: { accounts: accounts.url, conductor: nowhere, platform: nowhere },
      pageDeadlineMs: 15_000,
      localStorageDir: null,
      version: '0.0.0',
    },
  })
  return {
    url: web.url,
    accounts,
    open: () => createVisitor(web.url),
    async close() {
      await web.close()
      await accounts.close()
    },
  }
}

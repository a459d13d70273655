import type { ServiceName } from '@asheville/core'
import type { Network, StorageAdapter } from '@asheville/core'
import { type Binding, type Check, type Logger, type Service, startService } from '@asheville/service'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { loadAssets } from './assets.ts'
import { createBrowser } from './browser.ts'
import { apiPages } from './pages/api/handler.ts'
import { appsPages } from './pages/apps/handler.ts'
import { browsePages } from './pages/browse/handler.ts'
import { closePages } from './pages/close/handler.ts'
import { closedPages } from './pages/closed/handler.ts'
import { connectPages } from './pages/connect/handler.ts'
import { connectProviderPages } from './pages/connect-provider/handler.ts'
import { connectionPages } from './pages/connection/handler.ts'
import { coveragePages } from './pages/coverage/handler.ts'
import { dataPages } from './pages/data/handler.ts'
import { developersPages } from './pages/developers/handler.ts'
import { eventsPages } from './pages/events/handler.ts'
import { filesPages } from './pages/files/handler.ts'
import { forgotPasswordPages } from './pages/forgot-password/handler.ts'
import { homePages } from './pages/home/handler.ts'
import { hooksPages } from './pages/hooks/handler.ts'
import { notificationSettingsPages } from './pages/notification-settings/handler.ts'
import { notificationsPages } from './pages/notifications/handler.ts'
import { peoplePages } from './pages/people/handler.ts'
import { queueBoardPages } from './pages/queue-board/handler.ts'
import { queuesPages } from './pages/queues/handler.ts'
import { votesPages } from './pages/votes/handler.ts'
import { identitiesPages } from './pages/identities/handler.ts'
import { itemPages } from './pages/item/handler.ts'
import { passwordPages } from './pages/password/handler.ts'
import { profilePages } from './pages/profile/handler.ts'
import { resetPasswordPages } from './pages/reset-password/handler.ts'
import { passkeysPages } from './pages/passkeys/handler.ts'
import { passkeySignInPages } from './pages/passkey-sign-in/handler.ts'
import { sessionsPages } from './pages/sessions/handler.ts'
import { settingsPages } from './pages/settings/handler.ts'
import { signInPages } from './pages/sign-in/handler.ts'
import { signInProviderPages } from './pages/sign-in-provider/handler.ts'
import { signOutPages } from './pages/sign-out/handler.ts'
import { signUpPages } from './pages/sign-up/handler.ts'
import { statusPages } from './pages/status/handler.ts'
import { verifyEmailPages } from './pages/verify-email/handler.ts'
import { createSignIn } from './sign-in/passport.ts'
import { createSessions } from './sessions.ts'
import { createSite, type Site, type WebSettings } from './site.ts'

export interface WebOptions {
  host: string
  port: number
  /** As `startService` has it. */
  sharePort?: boolean
  logger: Logger
  settings: WebSettings
  sign(audience: ServiceName, userId: string | null): Promise<string>
  networks: readonly Network[]
  storages: readonly StorageAdapter[]
}

/** Every page, in the order in which addresses are matched. */
export function webBindings(site: Site): Binding[] {
  const signIn = createSignIn(site)
  return [
    ...site.assets.bindings,
    ...homePages(site),
    ...signUpPages(site),
    ...signInPages(site, signIn),
    ...signOutPages(site),
    ...connectPages(site),
    ...connectProviderPages(site),
    ...connectionPages(site),
    ...statusPages(site),
    ...coveragePages(site),
    ...browsePages(site),
    ...itemPages(site),
    ...settingsPages(site),
    ...sessionsPages(site),
    ...passkeysPages(site),
    ...passkeySignInPages(site),
    ...identitiesPages(site),
    ...appsPages(site),
    ...profilePages(site),
    ...passwordPages(site),
    ...forgotPasswordPages(site),
    ...resetPasswordPages(site),
    ...verifyEmailPages(site),
    ...notificationsPages(site),
    ...notificationSettingsPages(site),
    ...votesPages(site),
    ...peoplePages(site),
    ...queuesPages(site),
    ...queueBoardPages(site),
    ...dataPages(site),
    ...closePages(site),
    ...closedPages(site),
    ...eventsPages(site),
    ...hooksPages(site),
    ...filesPages(site),
    ...apiPages(site),
    ...developersPages(site),
    ...signInProviderPages(site, signIn),
  ]
}

/** Starts the website. It owns no data: `/readyz` tells whether the services it asks are alive. */
export async function startWeb(options: WebOptions): Promise<Service> {
  const { host, port, sharePort = false, logger, settings } = options
  const site = createSite({ ...options, assets: loadAssets(), sessions: createSessions() })
  return startService({
    name: 'web',
    host,
    port,
    sharePort,
    logger,
    version: settings.version,
    bindings: webBindings(site),
    browser: createBrowser(site),
    mount: (app) => app.set('trust proxy', ['loopback', ...(settings.trustedProxies ?? [])]),
    checks: {
      accounts: aliveCheck(settings.urls.accounts),
      conductor: aliveCheck(settings.urls.conductor),
      platform: aliveCheck(settings.urls.platform),
    },
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: [nonce],
        styleSrc: [nonce],
        // Placeholders of pictures, which hold all of themselves.
        imgSrc: ["'self'", 'data:'],
        mediaSrc: ["'self'"],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        manifestSrc: ["'self'"],
        formAction: ["'self'"],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
  })

  function nonce(request: IncomingMessage, _response: ServerResponse): string {
    return `'nonce-${site.state(request as Parameters<Site['state']>[0]).nonce}'`
  }
}

function aliveCheck(baseUrl: string): Check {
  return async (signal) => {
    const response = await fetch(new URL('/livez', baseUrl), { signal, redirect: 'error' })
    await response.body?.cancel()
    if (!response.ok) throw new Error(`answered ${response.status}`)
  }
}

import { randomBytes } from 'node:crypto'
import type { Session } from '@asheville/clients'
import type { Network, ServiceName, StorageAdapter } from '@asheville/core'
import type { Exchange, Visit } from '@asheville/service'
import type { Request } from 'express'
import type { Assets } from './assets.ts'
import { type Backends, type BackendUrls, createBackends } from './backends.ts'
import { isExposed, offerCookie, readCookie } from './cookies.ts'
import { formToken } from './forgery.ts'
import { createFormat, type Format } from './format.ts'
import { chooseLocale, createTranslate, type Translate } from './i18n.ts'
import { icon, providerMark } from './icons.ts'
import { renderTemplate } from './render.ts'
import type { Sessions } from './sessions.ts'

export interface WebSettings {
  webUrl: string
  /** Signs form tokens and addresses to leave by. */
  secret: string
  urls: BackendUrls
  pageDeadlineMs: number
  /** Beside those on this machine: which proxies are believed about whom they speak for. */
  trustedProxies?: readonly string[]
  /** Where the storage “this server’s disk” lies, to tell its owner; null: not told. */
  localStorageDir: string | null
  version: string
}

export interface SiteParts {
  settings: WebSettings
  sign(audience: ServiceName, userId: string | null): Promise<string>
  networks: readonly Network[]
  storages: readonly StorageAdapter[]
  assets: Assets
  sessions: Sessions
}

/** What one visit knows of its browser, from the first look at the request on. */
interface VisitState {
  nonce: string
  startedAt: number
  session: Session | null
  token: string | null
  /** An app that sends its token with each request, not a browser that sends its cookies by itself. */
  isApp: boolean
  visitor: string | null
  /** How many notifications are unread; null where that was not asked, or not answered soon enough. */
  unread: number | null
}

/** One page to show. */
export interface Shown {
  /** The template below `src`. */
  view: string
  title: string
  model: object
  status?: number
  /** Which entry of the navigation this is. */
  nav?: 'status' | 'browse' | 'connect' | 'settings' | 'notifications'
  /** It has a form: visitors get the cookie that the form's token is bound to. */
  hasForm?: boolean
  /** Seconds after which a browser without scripts loads the page again. */
  refreshSeconds?: number
  /** A full-width page lays itself out. */
  isWide?: boolean
  /** Its foot is a landscape: pages with little on them. */
  hasScenery?: boolean
  /** A part that a script put in place of the old one: without the layout. */
  isFragment?: boolean
  description?: string
  /** What it runs besides, by the names of assets, in this order. */
  scripts?: readonly string[]
  /** An address to go on to at once (the way out to an authorisation server). */
  goTo?: string
}

/** What pages need: the other services, the person's language, and how to answer. */
export interface Site extends SiteParts {
  state(request: Request): VisitState
  /** The other services, for the time that is left of this visit, or for `timeoutMs` where they themselves ask elsewhere. */
  backends(visit: Exchange, timeoutMs?: number): Backends
  texts(visit: Exchange): { t: Translate; fmt: Format; locale: string }
  show(visit: Exchange, shown: Shown): void
  redirect(visit: Exchange, path: string): void
  networkTitle(id: string): string
}

const shortestWaitMs = 250

export function createSite(parts: SiteParts): Site {
  const { settings, sign, assets } = parts
  const states = new WeakMap<Request, VisitState>()

  const state = (request: Request): VisitState => {
    const known = states.get(request)
    if (known) return known
    const { authorization = '' } = request.headers
    const isApp = /^Bearer\b/i.test(authorization)
    const made: VisitState = {
      nonce: randomBytes(18).toString('base64'),
      startedAt: performance.now(),
      session: null,
      token: isApp ? bearerOf(authorization) : readCookie(request, 'session', settings.webUrl),
      isApp,
      visitor: isApp ? null : readCookie(request, 'visitor', settings.webUrl),
      unread: null,
    }
    states.set(request, made)
    return made
  }

  const texts: Site['texts'] = ({ request }) => {
    const locale = chooseLocale(state(request).session?.user.locale ?? null, request.headers['accept-language'])
    return { t: createTranslate(locale), fmt: createFormat(locale), locale }
  }

  /** What forms are bound to: the session, else the visitor cookie, which is given out now if there is none. */
  const binding = ({ request, response }: Exchange): string => {
    const visit = state(request)
    if (visit.session && visit.token) return visit.token
    if (!visit.visitor) {
      visit.visitor = randomBytes(24).toString('base64url')
      offerCookie(request, response, 'visitor', visit.visitor, settings.webUrl)
    }
    return visit.visitor
  }

  return {
    ...parts,
    state,
    texts,
    backends({ request, requestId, signal }, timeoutMs) {
      const left = Math.round(settings.pageDeadlineMs - (performance.now() - state(request).startedAt))
      return createBackends({ urls: settings.urls, sign, requestId, signal, timeoutMs: timeoutMs ?? Math.max(shortestWaitMs, left) })
    },
    show(visit, shown) {
      const { request, response } = visit
      const { t, fmt, locale } = texts(visit)
      const { session, nonce, unread } = state(request)
      const needsToken = session !== null || shown.hasForm === true
      const page = {
        ...shown,
        locale,
        nonce,
        person: session?.user ?? null,
        unread,
        csrf: needsToken ? formToken(settings.secret, binding(visit)) : '',
        isExposed: isExposed(request, settings.webUrl),
        version: settings.version,
      }
      const locals = { m: shown.model, t, fmt, icon, mark: providerMark, asset: assets.url, page }
      response.status(shown.status ?? response.statusCode)
      if (response.statusCode === 503 && !response.hasHeader('retry-after')) response.set('retry-after', '2')
      response.set('cache-control', 'no-store').set('content-language', locale).vary('accept-language')
      response.type('html').send(renderTemplate(shown.isFragment ? shown.view : 'views/layout.ejs', locals))
    },
    redirect({ response }, path) {
      response.set('cache-control', 'no-store').redirect(303, path)
    },
    networkTitle: (id) => [...parts.networks, ...parts.storages].find((adapter) => adapter.id === id)?.title ?? id,
  }
}

/** The token of `Authorization: Bearer`; null when it can be none. */
function bearerOf(authorization: string): string | null {
  return /^Bearer +([\w-]+)$/i.exec(authorization)?.[1] ?? null
}

/** The session of a `person` page; the guard has seen to it that there is one. */
export function sessionOf(site: Site, visit: Pick<Visit, 'request'>): Session {
  const { session } = site.state(visit.request)
  if (!session) throw new Error('This page is for signed-in people')
  return session
}

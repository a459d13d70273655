import { AshevilleError, kindOf } from '@asheville/core'
import type { Browser, Exchange, Problem, Visit } from '@asheville/service'
import { clearCookie } from './cookies.ts'
import { checkForgery } from './forgery.ts'
import { safeReturnTo } from './return-to.ts'
import type { Site } from './site.ts'

const tokenPattern = /^[\w-]{20,200}$/
const safeMethods = new Set(['GET', 'HEAD'])

/** How long a page for anyone waits to learn who is asking; then it answers as to a stranger. */
const strangerWaitMs = 500

/** How long a page waits for the number of unread notifications; then it says nothing of it. */
const unreadWaitMs = 250

/** Who is asking, from the session cookie; unsafe methods only from our own forms; failures as pages. */
export function createBrowser(site: Site): Browser {
  const { settings } = site

  async function findSession(visit: Visit): Promise<void> {
    const state = site.state(visit.request)
    if (state.token === null || !tokenPattern.test(state.token)) return
    const isForPerson = visit.policy.who === 'person' || state.isApp || !safeMethods.has(visit.request.method)
    const { accounts } = site.backends(visit, isForPerson ? undefined : Math.min(strangerWaitMs, settings.pageDeadlineMs))
    try {
      state.session = await site.sessions.check(state.token, accounts)
    } catch (error) {
      if (isForPerson || kindOf(error) !== 'unavailable') throw error
      return
    }
    if (!state.session && !state.isApp) clearCookie(visit.response, 'session', settings.webUrl)
  }

  /** An address that matches nothing was not guarded: its page still knows who is signed in, if that is quickly told. */
  async function recognise(exchange: Exchange): Promise<void> {
    const state = site.state(exchange.request)
    if (state.session || state.token === null || !tokenPattern.test(state.token)) return
    const { accounts } = site.backends(exchange, strangerWaitMs)
    state.session = await site.sessions.check(state.token, accounts).catch(() => null)
  }

  /** What the bell of a whole page shows. */
  async function countUnread(visit: Visit): Promise<void> {
    const { request } = visit
    const state = site.state(request)
    if (!state.session || state.isApp || !isWholePage(visit)) return
    const { accounts } = site.backends(visit, unreadWaitMs)
    state.unread = await accounts.countUnread({ userId: state.session.user.id }).then(
      ({ unread }) => unread,
      () => null,
    )
  }

  return {
    async guard(visit) {
      const { request } = visit
      const state = site.state(request)
      await findSession(visit)
      if (!state.session && state.isApp) {
        visit.response.set('www-authenticate', 'Bearer')
        throw new AshevilleError('unauthenticated', 'This session has ended')
      }
      if (!state.session && visit.policy.who === 'person') {
        if (request.headers['hx-request'] !== undefined || !request.accepts('html') || request.headers.accept === 'text/event-stream')
          return null
        const returnTo = request.method === 'GET' ? safeReturnTo(request.originalUrl) : null
        site.redirect(visit, returnTo ? `/sign-in?returnTo=${encodeURIComponent(returnTo)}` : '/sign-in')
        return null
      }
      // No other website can make a browser send a token that it does not have.
      if (!safeMethods.has(request.method) && !state.isApp)
        checkForgery(request, visit.form, settings.secret, state.session ? state.token : state.visitor, settings.webUrl)
      await countUnread(visit)
      return state.session ? { userId: state.session.user.id, sessionId: state.session.id } : null
    },
    async fail(problem, exchange) {
      if (problem.kind === 'not-found') await recognise(exchange)
      const { t } = site.texts(exchange)
      const kind = pageOf(problem)
      site.show(exchange, {
        view: 'pages/error/view.ejs',
        title: t(`error.${kind}.title`),
        status: problem.status,
        model: { kind, detail: kind === 'invalid' || kind === 'forbidden' ? problem.detail : null, requestId: problem.requestId },
      })
    },
  }
}

function isWholePage({ request }: Visit): boolean {
  const destination = request.headers['sec-fetch-dest']
  const isAsked = destination === undefined ? request.headers.accept?.includes('text/html') : destination === 'document'
  return request.method === 'GET' && isAsked === true && request.headers['hx-request'] === undefined
}

function pageOf({ kind, status }: Problem): string {
  if (kind === 'not-found' || kind === 'forbidden') return kind
  if (kind === 'unavailable' || kind === 'rate-limited') return 'unavailable'
  if (kind === 'unauthenticated') return 'unauthenticated'
  return status < 500 ? 'invalid' : 'unexpected'
}

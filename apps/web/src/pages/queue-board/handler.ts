import { AshevilleError, type Method } from '@asheville/core'
import { page, type Binding, type Visit } from '@asheville/service'
import { cookieMode, readCookie } from '../../cookies.ts'
import { statusOf } from '../../form-faults.ts'
import { formToken } from '../../forgery.ts'
import { SafeHtml } from '../../html.ts'
import { ownerOf } from '../../owner-of.ts'
import type { Site } from '../../site.ts'
import { unlockedUntil } from '../../unlocking.ts'
import { loadBoardFiles } from './board-files.ts'

const path = '/admin/queues/board'
const methods: readonly Method[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

/**
 * `/admin/queues/board`: bull-board, for the owner alone. Its scripts come from its package, what they ask for is answered by the conductor;
 * nothing is changed unless this browser was unlocked.
 */
export function queueBoardPages(site: Site): Binding[] {
  const files = loadBoardFiles()
  const { secret, webUrl } = site.settings

  const show = (visit: Visit): Promise<void> => {
    ownerOf(site, visit)
    const { request, response } = visit
    const { nonce, token } = site.state(request)
    const { t } = site.texts(visit)
    // Its scripts send it back in a header, and no other page of ours is given it.
    response.cookie('XSRF-TOKEN', formToken(secret, token ?? ''), {
      path,
      sameSite: 'strict',
      secure: cookieMode(request, webUrl) === 'secure',
      encode: String,
    })
    response.set('content-security-policy', policyFor(nonce))
    const config = {
      boardTitle: t('queues.board'),
      hideDocsLink: true,
      hideRedisDetails: true,
      miscLinks: [{ text: t('queues.title'), url: '/admin/queues' }],
    }
    site.show(visit, {
      view: 'pages/queue-board/view.ejs',
      title: t('queues.board'),
      isFragment: true,
      model: { base: `${path}/`, ...files, config: new SafeHtml(JSON.stringify(config).replaceAll('<', '\\u003c')) },
    })
    return Promise.resolve()
  }

  const ask = (method: Method) =>
    page(method, `${path}/api/*path`, { who: 'person' }, async (visit) => {
      const { id, user } = ownerOf(site, visit)
      const { request, response } = visit
      const isUnlocked = unlockedUntil(readCookie(request, 'unlock', webUrl), secret, id) !== null
      const body = { method, path: `/${visit.params.path ?? ''}`, query: visit.query, isUnlocked }
      response.set('cache-control', 'no-store')
      try {
        const answer = await site.backends(visit).conductor.askBoard({ userId: user.id, body })
        response.status(answer.status).json(answer.body)
      } catch (error) {
        if (!(error instanceof AshevilleError)) throw error
        // As bull-board says what went wrong.
        response.status(error.kind === 'not-found' ? 404 : statusOf(error)).json({ error: error.message })
      }
    })

  return [
    ...['', '/queue/:queueName', '/queue/:queueName/:jobId', '/job-schedulers'].map((below) =>
      page('GET', path + below, { who: 'person' }, show),
    ),
    page('GET', `${path}/static/*path`, { who: 'person' }, (visit) => {
      ownerOf(site, visit)
      const file = files.read(visit.params.path ?? '')
      if (!file) throw new AshevilleError('not-found', 'There is nothing here')
      visit.response
        .set('content-type', file.type)
        .set('cache-control', 'private, max-age=3600')
        .set('cross-origin-resource-policy', 'same-origin')
      visit.response.end(file.bytes)
      return Promise.resolve()
    }),
    ...methods.map(ask),
  ]
}

/** bull-board's scripts bring more of themselves and of their styles along, all of it from here. */
function policyFor(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}' 'strict-dynamic'`,
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self'",
    "font-src 'self'",
    "connect-src 'self'",
    "worker-src 'self'",
    "form-action 'none'",
    "object-src 'none'",
    "base-uri 'self'",
    "frame-ancestors 'none'",
  ].join(';')
}

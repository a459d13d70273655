import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { route } from '@asheville/core'
import { bind, page, type Binding } from '@asheville/service'
import type { Site } from '../../site.ts'

const exported = route({
  method: 'GET',
  path: '/settings/data/export',
  summary: 'Everything that this server knows about the signed-in person',
  policy: { who: 'person' },
  reply: 'stream',
})

/** `/settings/data`: what is known of a person besides their copies, to take along. */
export function dataPages(site: Site): Binding[] {
  return [
    page('GET', '/settings/data', { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      site.show(visit, { view: 'pages/data/view.ejs', title: t('data.title'), nav: 'settings', model: {} })
    }),
    bind(exported, async ({ userId, signal, ...call }) => {
      const reply = await site.backends({ ...call, signal }).accounts.exportPerson({ userId, signal })
      const headers = {
        'content-type': 'application/json; charset=utf-8',
        'content-disposition': `attachment; filename="asheville-${new Date().toISOString().slice(0, 10)}.json"`,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      }
      return { headers, body: reply.body ? Readable.fromWeb(reply.body as ReadableStream<Uint8Array>) : null }
    }),
  ]
}

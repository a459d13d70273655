import { buffer } from 'node:stream/consumers'
import { AshevilleError, route } from '@asheville/core'
import { bind, page, type Binding } from '@asheville/service'
import { z } from 'zod'
import type { Site } from '../../site.ts'

const path = '/hooks/:network'

const take = route({
  method: 'POST',
  path,
  summary: 'A network says, with its signature, whose accounts have something new',
  policy: { who: 'anyone' },
  params: z.strictObject({ network: z.string().max(40) }),
  body: 'stream',
  maxBytes: 512 * 1024,
  reply: 'none',
})

/** `/hooks/<network>`: for networks that send by themselves, once the operator has told them this address. Accounts has it checked that they sent it. */
export function hooksPages(site: Site): Binding[] {
  const headersOf = (network: string): readonly string[] => {
    const webhook = site.networks.find(({ id }) => id === network)?.webhook
    if (!webhook) throw new AshevilleError('not-found', 'Nothing is sent here by such a network')
    return webhook.headers
  }

  return [
    page('GET', path, { who: 'anyone' }, async (visit) => {
      const { network = '' } = visit.params
      headersOf(network)
      const { answer } = await site.backends(visit).accounts.confirmHook({ params: { network }, body: { query: visit.query } })
      if (answer === null) throw new AshevilleError('forbidden', 'This does not come from that network')
      visit.response.set('cache-control', 'no-store').type('text/plain').send(answer)
    }),
    bind(take, async (call) => {
      const headers = Object.fromEntries(headersOf(call.params.network).map((name) => [name, call.request.get(name) ?? '']))
      const body = (await buffer(call.body)).toString('base64')
      await site.backends(call).accounts.takeHook({ params: call.params, body: { headers, body } })
    }),
  ]
}

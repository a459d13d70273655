import { AshevilleError, type Webhook } from '@asheville/core'
import type { Context } from '../context.ts'

/** Throws `not-found` for a network that sends nothing by itself. */
export function findWebhook(networks: Context['networks'], id: string): Webhook {
  const webhook = networks.find((network) => network.id === id)?.webhook
  if (!webhook) throw new AshevilleError('not-found', 'Nothing is sent here by such a network')
  return webhook
}

import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { findWebhook } from './find-webhook.ts'

export function handleConfirmHook({
  networks,
  variables,
}: Pick<Context, 'networks' | 'variables'>): Handler<typeof accountsRoutes.confirmHook> {
  return ({ params: { network }, body: { query } }) => {
    const webhook = findWebhook(networks, network)
    return Promise.resolve({ answer: webhook.confirm(query, variables) })
  }
}

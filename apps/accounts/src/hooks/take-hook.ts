import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { hintStreams } from '../queries/paces.ts'
import { findWebhook } from './find-webhook.ts'

/** What is said of an account that nobody here has connected is said of nothing. */
export function handleTakeHook({
  db,
  networks,
  variables,
  syncIntervalMs,
}: Pick<Context, 'db' | 'networks' | 'variables' | 'syncIntervalMs'>): Handler<typeof accountsRoutes.takeHook> {
  return async ({ params: { network }, body: { headers, body } }) => {
    const hints = findWebhook(networks, network).hints({ headers, body: Buffer.from(body, 'base64') }, variables)
    await hintStreams(db, network, hints, syncIntervalMs)
  }
}

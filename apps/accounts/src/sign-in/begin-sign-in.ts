import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import { createRegistrar } from '../connect/provider-client.ts'
import type { Context } from '../context.ts'
import { countAttempt } from '../queries/throttles.ts'
import { sendToSignIn } from './send-to-sign-in.ts'

/** Nobody is known yet: what one place may begin is bounded. */
const limit = 100
const windowMs = 15 * 60_000

export function handleBeginSignIn(context: Context): Handler<typeof accountsRoutes.beginSignIn> {
  const register = createRegistrar(context)
  return async ({ body, signal }) => {
    const { provider, fields, visitor, address, returnTo } = body
    await countAttempt(context.db, { key: `sign-in provider ${address}`, limit, windowMs })
    return { url: await sendToSignIn(context, register, { visitor }, { provider, fields, purpose: 'sign-in', returnTo, signal }) }
  }
}

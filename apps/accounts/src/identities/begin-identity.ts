import { AshevilleError } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import { createRegistrar } from '../connect/provider-client.ts'
import type { Context } from '../context.ts'
import { isSessionOf } from '../sessions/queries.ts'
import { sendToSignIn } from '../sign-in/send-to-sign-in.ts'

export function handleBeginIdentity(context: Context): Handler<typeof accountsRoutes.beginIdentity> {
  const register = createRegistrar(context)
  return async ({ userId, body, signal }) => {
    const { provider, fields, sessionId } = body
    if (!(await isSessionOf(context.db, userId, sessionId))) throw new AshevilleError('forbidden', 'This session has ended. Sign in again')
    const asked = { provider, fields, purpose: 'identity', returnTo: null, signal } as const
    return { url: await sendToSignIn(context, register, { userId, sessionId }, asked) }
  }
}

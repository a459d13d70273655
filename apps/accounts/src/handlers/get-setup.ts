import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { hasOwner } from '../queries/users.ts'

export function handleGetSetup({
  db,
  isSignUpOpen,
  sendsMail,
}: Pick<Context, 'db' | 'isSignUpOpen' | 'sendsMail'>): Handler<typeof accountsRoutes.getSetup> {
  return async () => ({ hasOwner: await hasOwner(db), signUpOpen: isSignUpOpen, sendsMail })
}

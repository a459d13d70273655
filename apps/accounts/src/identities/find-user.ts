import { AshevilleError } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { Call, Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { normalizeEmail } from '../email.ts'
import { findUserByEmail, getUser } from '../queries/users.ts'
import { findIdentity } from './queries.ts'

type Route = typeof accountsRoutes.findUser

export function handleFindUser({ db }: Pick<Context, 'db'>): Handler<Route> {
  return async ({ body }) => {
    const userId = await idOf(db, body.by)
    if (userId === null) throw new AshevilleError('not-found', 'There is no such person')
    return getUser(db, userId)
  }
}

async function idOf(db: Database, by: Call<Route>['body']['by']): Promise<string | null> {
  if (by.kind === 'id') return by.userId
  if (by.kind === 'email') return findUserByEmail(db, normalizeEmail(by.email))
  // What a person signs in with by e-mail is found by e-mail.
  if (by.provider === 'local') return null
  return (await findIdentity(db, by))?.userId ?? null
}

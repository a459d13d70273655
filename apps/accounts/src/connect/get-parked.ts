import { AshevilleError } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { findParked } from './parked-accounts.ts'

export function handleGetParked({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.getParked> {
  return async ({ userId, query }) => {
    const parked = await findParked(db, userId, query)
    if (!parked) throw noSuchOffer()
    return { parkedId: parked.id, provider: query.provider, handle: parked.account.handle, title: parked.account.title }
  }
}

export function noSuchOffer(): AshevilleError {
  return new AshevilleError('not-found', 'This offer has ended. Connect the account again')
}

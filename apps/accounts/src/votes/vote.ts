import { AshevilleError } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { isPlanned } from './planned.ts'
import { addVote, listVotes, removeVote } from './queries.ts'

export function handleListVotes({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.listVotes> {
  return async ({ userId }) => ({ providers: await listVotes(db, userId) })
}

export function handlePutVote(context: Pick<Context, 'db' | 'networks' | 'storages'>): Handler<typeof accountsRoutes.putVote> {
  return ({ userId, params: { provider } }) => {
    if (!isPlanned(context, provider)) return Promise.reject(new AshevilleError('not-found', 'This is not planned'))
    return addVote(context.db, userId, provider)
  }
}

export function handleWithdrawVote({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.withdrawVote> {
  return ({ userId, params }) => removeVote(db, userId, params.provider)
}

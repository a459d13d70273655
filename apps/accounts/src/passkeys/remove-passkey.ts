import { AshevilleError } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { countWaysIn } from '../people/count-ways-in.ts'
import { lockPerson } from '../queries/users.ts'
import { removePasskey } from './queries.ts'

export function handleRemovePasskey({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.removePasskey> {
  return ({ userId, params }) =>
    db.transaction(async (tx) => {
      await lockPerson(tx, userId)
      await removePasskey(tx, userId, params.passkeyId)
      if ((await countWaysIn(tx, userId)) > 0) return
      throw new AshevilleError('conflict', 'You could not sign in any more. Set a password or add another passkey first')
    })
}

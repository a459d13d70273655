import { AshevilleError } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { countWaysIn } from '../people/count-ways-in.ts'
import { lockPerson } from '../queries/users.ts'
import { removeIdentity } from './queries.ts'

export function handleRemoveIdentity({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.removeIdentity> {
  return ({ userId, params }) =>
    db.transaction(async (tx) => {
      // Two removals at once would each see the other's way in.
      await lockPerson(tx, userId)
      await removeIdentity(tx, userId, params.identityId)
      if ((await countWaysIn(tx, userId)) > 0) return
      throw new AshevilleError('conflict', 'This is your last way to sign in. Add another one first')
    })
}

import { AshevilleError } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { hint } from '../queries/paces.ts'

export function handleHint({ db, syncIntervalMs }: Pick<Context, 'db' | 'syncIntervalMs'>): Handler<typeof accountsRoutes.hint> {
  return async ({ userId, params }) => {
    if (!(await hint(db, userId, params, syncIntervalMs))) throw new AshevilleError('not-found', 'There is no such stream')
  }
}

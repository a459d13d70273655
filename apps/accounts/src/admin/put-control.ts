import { AshevilleError } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { putControl } from './controls.ts'
import { requireOwner } from './require-owner.ts'

export function handlePutControl({ db, networks }: Pick<Context, 'db' | 'networks'>): Handler<typeof accountsRoutes.putControl> {
  return async ({ userId, params: { network }, body, log }) => {
    await requireOwner(db, userId)
    if (!networks.some(({ id }) => id === network)) throw new AshevilleError('not-found', 'There is no such network')
    const control = { network, ...body }
    await putControl(db, control)
    log.info(control, 'The owner controls a network')
    return control
  }
}

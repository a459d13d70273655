import { AshevilleError } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { findReport } from './closings.ts'

export function handleFindClosing({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.findClosing> {
  return async ({ body: { linkToken } }) => {
    const closing = await findReport(db, linkToken)
    if (!closing) throw new AshevilleError('not-found', 'There is no such report, or its 30 days are over')
    return closing
  }
}

import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { renamePasskey } from './queries.ts'

export function handleRenamePasskey({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.renamePasskey> {
  return ({ userId, params, body }) => renamePasskey(db, userId, params.passkeyId, body.name)
}

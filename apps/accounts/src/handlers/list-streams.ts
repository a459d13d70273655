import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { listStreamStatuses } from '../queries/streams.ts'

export function handleListStreams({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.listStreams> {
  return async ({ userId }) => ({ streams: await listStreamStatuses(db, userId) })
}

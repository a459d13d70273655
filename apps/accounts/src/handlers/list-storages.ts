import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { listEveryStorage } from '../queries/connections.ts'

export function handleListStorages({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.listStorages> {
  return async ({ query: { cursor, limit } }) => {
    const rows = await listEveryStorage(db, cursor ?? null, limit + 1)
    const storages = rows.slice(0, limit)
    return { storages, next: rows.length > limit ? (storages.at(-1)?.storageId ?? null) : null }
  }
}

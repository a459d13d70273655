import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { listControls } from './controls.ts'

export function handleListControls({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.listControls> {
  return async () => ({ controls: await listControls(db) })
}

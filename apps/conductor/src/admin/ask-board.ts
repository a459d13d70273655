import type { conductorRoutes } from '@asheville/clients'
import { createBoard } from '@asheville/jobs'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { requireOwner } from './require-owner.ts'

export function askBoard({ accounts, queue, networks }: Context): Handler<typeof conductorRoutes.askBoard> {
  const ask = createBoard(queue, networks)
  return async ({ body, userId, requestId, signal, log }) => {
    await requireOwner(accounts, { userId, requestId, signal })
    const answer = await ask(body)
    if (body.method !== 'GET') log.info({ method: body.method, path: body.path, status: answer.status }, 'The owner changes a queue')
    return answer
  }
}

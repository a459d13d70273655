import { AshevilleError } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { lockPerson } from '../queries/users.ts'
import { beginWork } from '../streams/begin-work.ts'
import { chooseStreams } from '../streams/choose-streams.ts'

export function handleRestartStreams(context: Context): Handler<typeof accountsRoutes.restartStreams> {
  return ({ userId, params: { connectionId }, body: { stream, from } }) =>
    context.db.transaction(async (tx) => {
      await lockPerson(tx, userId)
      const isMeant = (name: string): boolean => stream === null || name === stream
      const chosen = (await chooseStreams(context, tx, userId, { connectionIds: [connectionId] })).map(({ connection, streams }) => ({
        connection,
        streams: streams.filter(({ name }) => isMeant(name)),
      }))
      if (chosen.every(({ streams }) => streams.length === 0)) throw new AshevilleError('not-found', 'There is no such stream')
      const { sync, jobs } = await beginWork(tx, userId, chosen, { trigger: 'person', from, interrupts: true })
      return { sync, jobs: jobs.filter((job) => job.connectionId === connectionId && isMeant(job.stream)) }
    })
}

import { createHash } from 'node:crypto'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { getConnection } from '../queries/connections.ts'
import { lockPerson } from '../queries/users.ts'
import { addWalks } from '../queries/walks.ts'
import { makeMediaDue } from '../queries/streams.ts'
import { beginWork } from '../streams/begin-work.ts'
import { chooseStreams } from '../streams/choose-streams.ts'

/** Below every lease's: whoever works at the stream may go on with the walk. */
const fence = 0

export function handleRewalkStreams(context: Context): Handler<typeof accountsRoutes.rewalkStreams> {
  return ({ userId, body: { streams } }) =>
    context.db.transaction(async (tx) => {
      await lockPerson(tx, userId)
      for (const { connectionId, stream, ranges } of streams) {
        await getConnection(tx, userId, connectionId)
        const walks = ranges.map((range) => ({ id: idOf(range), kind: 'recheck' as const, range, cursor: null }))
        await addWalks(tx, userId, { connectionId, stream }, fence, walks)
        await makeMediaDue(tx, userId, { connectionId, stream })
      }
      const connectionIds = [...new Set(streams.map(({ connectionId }) => connectionId))]
      const isMeant = (connectionId: string, name: string) =>
        streams.some((one) => one.connectionId === connectionId && one.stream === name)
      const chosen = (await chooseStreams(context, tx, userId, { connectionIds })).map((one) => ({
        connection: one.connection,
        streams: one.streams.filter(({ name }) => isMeant(one.connection.id, name)),
      }))
      return beginWork(tx, userId, chosen, { trigger: 'person', from: 'checkpoint', interrupts: false })
    })
}

/** The same range asked for again is the same walk. */
function idOf({ from, to }: { from: string | null; to: string | null }): string {
  return `repair-${createHash('sha256').update(`${from} ${to}`).digest('hex').slice(0, 16)}`
}

import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { lockPerson } from '../queries/users.ts'
import { beginWork } from '../streams/begin-work.ts'
import { chooseStreams } from '../streams/choose-streams.ts'
import { takeTurnsByPerson } from '../take-turns.ts'

export function handleCreateSync(context: Context): Handler<typeof accountsRoutes.createSync> {
  // Nobody waits but for whoever asks more often at once than programs and pages do, and they leave others most of the connections.
  const inTurn = takeTurnsByPerson({ atOnce: 8, waiting: 20, waitMs: 1000, refusal: 'You have asked for this many times at this moment' })
  return ({ userId, body: { trigger, from, ...wish } }) =>
    inTurn(userId, () =>
      context.db.transaction(async (tx) => {
        await lockPerson(tx, userId)
        return beginWork(tx, userId, await chooseStreams(context, tx, userId, wish), { trigger, from, interrupts: false })
      }),
    )
}

import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { lockPerson } from '../queries/users.ts'
import { beginWork } from '../streams/begin-work.ts'
import { chooseStreams } from '../streams/choose-streams.ts'
import { takeTurnsByPerson } from '../take-turns.ts'

export function handleCreateSync(context: Context): Handler<typeof accountsRoutes.createSync> {
  // Short enough for everybody to be answered within 2.5 s when Postgres stands still.
  const inTurn = takeTurnsByPerson({ atOnce: 4, waiting: 20, waitMs: 400, refusal: 'You have asked for this many times at this moment' })
  return ({ userId, body: { trigger, from, ...wish } }) =>
    inTurn(userId, () =>
      context.db.transaction(async (tx) => {
        await lockPerson(tx, userId)
        return beginWork(tx, userId, await chooseStreams(context, tx, userId, wish), { trigger, from, interrupts: false })
      }),
    )
}

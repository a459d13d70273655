import { findAdapter, type Context } from '../context.ts'
import { addNotification } from '../notifications/queries.ts'
import { takeVotes } from './queries.ts'

const batch = 200

/** Tells people that what they voted for can be connected now; their votes have done their work. */
export async function announceAvailable(context: Pick<Context, 'db' | 'networks' | 'storages'>): Promise<void> {
  const there = [...context.networks, ...context.storages].map(({ id }) => id)
  let taken = batch
  while (taken === batch) {
    taken = await context.db.transaction(async (tx) => {
      const votes = await takeVotes(tx, there, batch)
      for (const { userId, provider } of votes) {
        const title = findAdapter(context, provider)?.adapter.title ?? provider
        await addNotification(tx, userId, { kind: 'network-available', subject: provider, data: { provider, title } })
      }
      return votes.length
    })
  }
}

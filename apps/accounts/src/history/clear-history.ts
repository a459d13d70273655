import { randomUUID } from 'node:crypto'
import type { Database } from '@asheville/database'

/** People whose history is looked through in a round, and by one statement: each has two seconds, however busy Postgres is. */
const peopleARound = 1000
const peopleAtOnce = 50
/** Syncs that one statement deletes, with their jobs. */
const syncsAtOnce = 500

const lowest = '00000000-0000-0000-0000-000000000000'

/**
 * Answers what forgets old syncs of the next people, and after the last begins again with the first. Several processes may go round at once: each
 * begins somewhere else.
 */
export function createHistoryClearing(db: Database, historyDays: number): () => Promise<void> {
  let last: string = randomUUID()
  return async () => {
    for (let seen = 0; seen < peopleARound; seen += peopleAtOnce) {
      const people = await db.query<{ id: string }>('SELECT id FROM users WHERE id > $1 ORDER BY id LIMIT $2', [last, peopleAtOnce])
      const ids = people.map(({ id }) => id)
      // Before it is done: what fails is left for the next time round, and holds up nobody else's.
      last = ids.length < peopleAtOnce ? lowest : ids.at(-1)!
      while ((await forgetSyncs(db, ids, historyDays)) === syncsAtOnce);
      if (ids.length < peopleAtOnce) return
    }
  }
}

/**
 * Deletes what these people's syncs did so many days ago and longer, a day ago where it was nothing; answers how many syncs that were. The one in which a
 * stream was pulled last stays, however long ago that was.
 */
async function forgetSyncs(db: Database, userIds: readonly string[], historyDays: number): Promise<number> {
  const forgotten = await db.query(
    `WITH old AS (
       SELECT y.id FROM syncs y
       WHERE y.user_id = ANY ($1) AND y.created_at < now() - interval '1 day' AND y.state <> 'running'
         AND (y.created_at < now() - $2 * interval '1 day' OR NOT EXISTS (SELECT FROM sync_jobs j WHERE j.sync_id = y.id AND NOT j.is_quiet))
         AND NOT EXISTS (SELECT FROM streams s WHERE s.user_id = y.user_id AND s.sync_id = y.id)
       LIMIT $3 FOR UPDATE SKIP LOCKED)
     DELETE FROM syncs y USING old WHERE y.id = old.id RETURNING 1`,
    [userIds, historyDays, syncsAtOnce],
  )
  return forgotten.length
}

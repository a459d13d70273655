import type { WalkKind } from '@asheville/core'
import type { Database } from '@asheville/database'
import type { StreamId } from './leases.ts'

/** An open walk, as the contract has it. */
export interface OpenWalk {
  id: string
  kind: WalkKind
  range: { from: string | null; to: string | null }
  cursor: string | null
}

interface Row extends Omit<OpenWalk, 'range'> {
  from: string | null
  to: string | null
}

const walkOf = ({ id, kind, from, to, cursor }: Row): OpenWalk => ({ id, kind, range: { from, to }, cursor })

// Walks have no owner of their own: the stream that they belong to is this person's.
const mine = `connection_id = $2 AND stream = $3 AND EXISTS (SELECT FROM streams s WHERE s.connection_id = $2 AND s.name = $3 AND s.user_id = $1)`

/** Open walks of these streams, whoever's: that they were taken says whose they are. In the order they were planned. */
export async function listWalks(db: Database, streams: readonly StreamId[]): Promise<(StreamId & { walk: OpenWalk })[]> {
  const rows = await db.query<Row & StreamId>(
    `SELECT connection_id AS "connectionId", stream, id, kind, range_from AS "from", range_to AS "to", cursor FROM walks
     JOIN unnest($1::uuid[], $2::text[]) AS w (connection_id, stream) USING (connection_id, stream) ORDER BY position`,
    [streams.map(({ connectionId }) => connectionId), streams.map(({ stream }) => stream)],
  )
  return rows.map(({ connectionId, stream, ...row }) => ({ connectionId, stream, walk: walkOf(row) }))
}

/** Adds walks under that fence; one of an id that is open already stays as it is. */
export async function addWalks(
  tx: Database,
  userId: string,
  { connectionId, stream }: StreamId,
  fence: number,
  walks: readonly OpenWalk[],
): Promise<void> {
  await tx.query(
    `INSERT INTO walks (connection_id, stream, id, kind, range_from, range_to, cursor, fence)
     SELECT s.connection_id, s.name, w.id, w.kind, w.range_from, w.range_to, w.cursor, $4
     FROM streams s, unnest($5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[], $9::text[])
       WITH ORDINALITY AS w (id, kind, range_from, range_to, cursor, place)
     WHERE s.user_id = $1 AND s.connection_id = $2 AND s.name = $3 ORDER BY w.place
     ON CONFLICT DO NOTHING`,
    [
      userId,
      connectionId,
      stream,
      fence,
      walks.map(({ id }) => id),
      walks.map(({ kind }) => kind),
      walks.map(({ range }) => range.from),
      walks.map(({ range }) => range.to),
      walks.map(({ cursor }) => cursor),
    ],
  )
}

export async function removeWalks(
  tx: Database,
  userId: string,
  { connectionId, stream }: StreamId,
  ids: readonly string[] | 'all',
): Promise<void> {
  await tx.query(`DELETE FROM walks WHERE ${mine} AND ($4::text[] IS NULL OR id = ANY ($4))`, [
    userId,
    connectionId,
    stream,
    ids === 'all' ? null : ids,
  ])
}

/**
 * A walk after a page: moves its cursor and its pending head, or removes it when it is complete (`cursor` null). Answers its
 * kind and pending head; null when there is no such walk: a repeated last checkpoint. An older fence than the one that moved
 * it last moves nothing, so that no cursor ever goes back.
 */
export async function moveWalk(
  tx: Database,
  userId: string,
  { connectionId, stream }: StreamId,
  fence: number,
  step: { walkId: string; cursor: string | null; head: string | null },
): Promise<{ kind: WalkKind; pendingHead: string | null } | null> {
  const { walkId, cursor, head } = step
  const [walk] =
    cursor === null
      ? await tx.query<{ kind: WalkKind; pendingHead: string | null }>(
          `DELETE FROM walks WHERE ${mine} AND id = $4 AND fence <= $5 RETURNING kind, coalesce($6, pending_head) AS "pendingHead"`,
          [userId, connectionId, stream, walkId, fence, head],
        )
      : await tx.query<{ kind: WalkKind; pendingHead: string | null }>(
          `UPDATE walks SET cursor = $7, fence = $5, pending_head = coalesce($6, pending_head)
           WHERE ${mine} AND id = $4 AND fence <= $5 RETURNING kind, pending_head AS "pendingHead"`,
          [userId, connectionId, stream, walkId, fence, head, cursor],
        )
  return walk ?? null
}

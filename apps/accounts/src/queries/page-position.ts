import { AshevilleError } from '@asheville/core'

/** Where in a list that is sorted by time, then id, a page begins: after this row. */
export interface Position {
  /** As Postgres writes it (`timestamptz::text`), with every digit. */
  at: string
  id: string
}

const pattern = /^(\d{4,6}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?[+-]\d\d(?::\d\d){0,2}) ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

/** An opaque mark of that place, for `next`. It only says where: whose list it is comes from elsewhere. */
export function writeCursor({ at, id }: Position): string {
  return Buffer.from(`${at} ${id}`).toString('base64url')
}

/** What `writeCursor` wrote; null for the beginning. Throws `invalid` for anything else. */
export function readCursor(cursor: string | undefined): Position | null {
  if (cursor === undefined) return null
  const [, at, id] = pattern.exec(Buffer.from(cursor, 'base64url').toString('latin1')) ?? []
  if (at !== undefined && id !== undefined) return { at, id }
  const message = 'There is no such page. Begin at the first'
  throw new AshevilleError('invalid', message, { faults: [{ pointer: '/query/cursor', message }] })
}

/** A page of rows that were asked for with one more than `limit`, and where the next one begins. */
export function pageOf<Row extends { position: string; id: string }>(rows: Row[], limit: number): { rows: Row[]; next: string | null } {
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return { rows: page, next: rows.length > limit && last ? writeCursor({ at: last.position, id: last.id }) : null }
}

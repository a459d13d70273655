import { AshevilleError } from '@asheville/core'
import pg from 'pg'

const oids = { bigint: 20, bigintArray: 1016, date: 1082, textArray: 1009, timestamptz: 1184, timestamptzArray: 1185 }

const parseDate: (text: string) => unknown = pg.types.getTypeParser(oids.timestamptz, 'text')
const parseTextArray: (text: string) => (string | null)[] = pg.types.getTypeParser(oids.textArray as number, 'text')

/** `2024-03-01 12:00:00.5+00` → `2024-03-01T12:00:00.500Z`. */
function instant(text: string): string {
  const date = parseDate(text)
  if (date instanceof Date && !Number.isNaN(date.getTime())) return date.toISOString()
  throw new AshevilleError('unexpected', `${text} is not an instant that JavaScript can tell`)
}

function integer(text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value)) return value
  throw new AshevilleError('unexpected', `${text} is beyond what a number holds exactly`)
}

const each =
  <T>(parse: (text: string) => T) =>
  (text: string): (T | null)[] =>
    parseTextArray(text).map((value) => (value === null ? null : parse(value)))

const parsers = new Map<number, (text: string) => unknown>([
  [oids.bigint, integer],
  [oids.bigintArray, each(integer)],
  [oids.date, (text) => text],
  [oids.timestamptz, instant],
  [oids.timestamptzArray, each(instant)],
])

/** How columns become values, decided once: instants as the API writes them, `bigint` as number, `date` as text. */
export const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) => (format === 'binary' ? undefined : parsers.get(oid)) ?? pg.types.getTypeParser(oid, format),
}

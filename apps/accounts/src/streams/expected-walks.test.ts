import { expect, test } from '@jest/globals'
import { expectedWalks, type Place } from './expected-walks.ts'

const stream = { version: 2 }
const fresh: Place = { version: 2, hasHead: false, open: [] }

test.each<[string, Place | null, string[]]>([
  ['never pulled: the history', null, ['backfill']],
  ['pulled, and nothing was there to be marked: the history', fresh, ['backfill']],
  ['caught up: what is new', { ...fresh, hasHead: true }, ['incremental']],
  ['cut off in its history: what is new, then what is left', { ...fresh, hasHead: true, open: ['backfill'] }, ['incremental', 'backfill']],
  ['cut off before the first page: what is left', { ...fresh, open: ['backfill'] }, ['backfill']],
  ['looked through again: that goes on too', { ...fresh, hasHead: true, open: ['recheck', 'incremental'] }, ['incremental', 'recheck']],
  ['mapped in a new way: the history', { version: 1, hasHead: true, open: ['recheck'] }, ['backfill']],
])('%s', (_, place, expected) => {
  expect(expectedWalks(stream, place, 'checkpoint')).toEqual(expected)
  expect(expectedWalks(stream, place, 'scratch')).toEqual(['backfill'])
})

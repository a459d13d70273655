import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { asPerson } from '@asheville/database'
import { changesAfter, lastChange } from '../src/queries/changes.ts'
import { post, startConstellation, streamOf, type Constellation } from './constellation.ts'

let asheville: Constellation
beforeAll(async () => {
  asheville = await startConstellation()
})
afterAll(() => asheville.close())

test('whoever has seen a change has seen all before it, however many write at once', async () => {
  const person = asheville.person()
  const { userId } = person
  const look = (after: number) => asPerson(userId, () => changesAfter(asheville.db, userId, after, 7))
  const streams = [1, 2, 3, 4].map((number) => ({ number, stream: streamOf(asheville, person) }))
  let isWriting = true
  const writing = Promise.all(
    streams.map(async ({ number, stream }) => {
      for (let batch = 0; batch < 10; batch += 1) {
        // Of a month each: they do not wait for each other's files.
        const items = [0, 1, 2].map((index) => post(number * 1000 + batch * 10 + index, { at: `2023-0${number}-05` }))
        await stream.put(items, { stream: `stream-${number}` })
      }
    }),
  ).finally(() => (isWriting = false))

  const seen: string[] = []
  let mark = 0
  for (;;) {
    const isLast = !isWriting
    const changes = await look(mark)
    seen.push(...changes.map(({ key }) => key))
    mark = changes.at(-1)?.changed ?? mark
    if (isLast && changes.length === 0) break
  }
  await writing
  expect(seen).toHaveLength(120)
  expect(new Set(seen).size).toBe(120)
  expect(await asPerson(userId, () => lastChange(asheville.db, userId))).toBe(mark)
})

test('an item that only has other counts, or is delivered once more, has not changed; an edit, and its end, have', async () => {
  const person = asheville.person()
  const { userId } = person
  const stream = streamOf(asheville, person)
  await stream.put([post(1, { at: '2024-03-05' }), post(2, { at: '2024-03-05' })])
  const last = () => asPerson(userId, () => lastChange(asheville.db, userId))
  const after = async (mark: number) =>
    (await asPerson(userId, () => changesAfter(asheville.db, userId, mark, 10))).map(({ id, goneAt }) => [id, goneAt !== null])
  const first = await last()
  await stream.put([post(1, { at: '2024-03-05', likes: 9, seen: 5 })])
  expect(await after(first)).toEqual([])
  await stream.put([post(1, { at: '2024-03-05', content: 'Edited', edited: 1, seen: 6 })])
  expect(await after(first)).toEqual([[post(1).id, false]])
  const second = await last()
  await stream.put([], { gone: [post(2).id] })
  expect(await after(second)).toEqual([[post(2).id, true]])
})

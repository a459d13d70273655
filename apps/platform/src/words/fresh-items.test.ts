import { expect, test } from '@jest/globals'
import { toEntry } from '../page-file.ts'
import { createFreshQueue, type FreshItems } from './fresh-items.ts'

const itemsOf = (userId: string): FreshItems => {
  const entry = toEntry({ id: 'https://a.example/1', type: 'Note' } as unknown as Parameters<typeof toEntry>[0])
  return { userId, storageId: 's', items: [{ key: 'k', hash: 'h', entry }] }
}

test('what was stored waits until nothing more is, but not for long, and not until there is no room', () => {
  let now = 0
  const queue = createFreshQueue(10_000, () => now)
  const taken = () => queue.take()?.userId
  queue.add(itemsOf('one'))
  expect(taken()).toBeUndefined()
  now = 1500
  queue.add(itemsOf('two'))
  now = 3000
  expect(taken()).toBeUndefined()
  now = 3600
  expect([taken(), taken(), taken()]).toEqual(['one', 'two', undefined])

  const began = now
  queue.add(itemsOf('first'))
  for (; now < began + 12_000; now += 1000) {
    expect(taken()).toBeUndefined()
    queue.add(itemsOf('later'))
  }
  expect([taken(), taken()]).toEqual(['first', 'later'])

  const small = createFreshQueue(itemsOf('a').items[0]!.entry.line.length * 3, () => now)
  for (const name of ['a', 'b', 'c', 'd']) small.add(itemsOf(name))
  expect(small.take()?.userId).toBe('a')
})

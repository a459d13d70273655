import { expect, test } from '@jest/globals'
import { createTurn, createTurns } from './turns.ts'

const signal = new AbortController().signal

test('so many at once, then whoever is waited for, then the others in the order in which they came', async () => {
  const turns = createTurns(2)
  const ends = new Map<string, () => void>()
  const take = (name: string, isUrgent: boolean) => turns.take({ isUrgent, signal }).then((end) => ends.set(name, end))
  await Promise.all([take('a', false), take('b', false)])
  expect(turns.hasWaiting()).toBe(false)
  const waiting = [take('c', false), take('d', false), take('e', true)]
  expect(turns.hasWaiting()).toBe(true)
  ends.get('a')!()
  // Said twice, it is over once.
  ends.get('a')!()
  await waiting[2]
  expect([...ends.keys()]).toEqual(['a', 'b', 'e'])
  ends.get('b')!()
  await waiting[0]
  ends.get('e')!()
  await waiting[1]
  expect([...ends.keys()]).toEqual(['a', 'b', 'e', 'c', 'd'])
  expect(turns.hasWaiting()).toBe(false)
})

test('who gives up waiting holds up nobody', async () => {
  const turns = createTurns(1)
  const end = await turns.take({ isUrgent: false, signal })
  const leaving = new AbortController()
  const left = turns.take({ isUrgent: true, signal: leaving.signal })
  const next = turns.take({ isUrgent: false, signal })
  leaving.abort(new Error('gone'))
  await expect(left).rejects.toThrow('gone')
  await expect(turns.take({ isUrgent: true, signal: leaving.signal })).rejects.toThrow('gone')
  end()
  expect(await next).toBeInstanceOf(Function)
})

test('a turn is taken once, and ended also while it is waited for', async () => {
  const turns = createTurns(1)
  const first = createTurn(turns, { isUrgent: false, signal })
  await Promise.all([first.take(), first.take()])
  const second = createTurn(turns, { isUrgent: false, signal })
  const taken = second.take()
  second.end()
  first.end()
  await taken
  const third = createTurn(turns, { isUrgent: false, signal })
  await third.take()
  createTurn(turns, { isUrgent: false, signal }).end()
})

import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { takeTurns } from './take-turns.ts'

test('so many at once, the others in their order; a failure passes its turn on', async () => {
  const inTurn = takeTurns({ atOnce: 2, waiting: 10, waitMs: 60_000, refusal: 'later' })
  let [now, most] = [0, 0]
  const ended: number[] = []
  const results = await Promise.allSettled(
    Array.from({ length: 10 }, (_, index) =>
      inTurn(async () => {
        most = Math.max(most, (now += 1))
        await delay(5)
        now -= 1
        ended.push(index)
        if (index === 3) throw new Error('no')
      }),
    ),
  )
  expect(most).toBe(2)
  expect(ended).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(results.map(({ status }) => status === 'rejected')).toEqual([false, false, false, true, false, false, false, false, false, false])
})

test('too many waiting, or waiting too long: come back later, and the turn is not lost', async () => {
  const inTurn = takeTurns({ atOnce: 1, waiting: 1, waitMs: 30, refusal: 'later' })
  let end: () => void = () => undefined
  const first = inTurn(() => new Promise<void>((resolve) => (end = resolve)))
  const late = expect(inTurn(() => Promise.resolve())).rejects.toMatchObject({ kind: 'unavailable', retryAfterMs: 30 })
  await expect(inTurn(() => Promise.resolve())).rejects.toMatchObject({ kind: 'unavailable' })
  await late
  end()
  await first
  await expect(inTurn(() => Promise.resolve('served'))).resolves.toBe('served')
})

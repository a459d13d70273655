import { expect, test } from '@jest/globals'
import { sendOnce, type UnderWay } from './send-once.ts'

/** What is sent with these, each until it is let go or fails. */
function sending() {
  const underWay: UnderWay = new Map()
  const open: Pick<PromiseWithResolvers<unknown>, 'resolve' | 'reject'>[] = []
  const send = (key: string) =>
    sendOnce(underWay, key, async () => {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>()
      open.push({ resolve, reject })
      await promise
    })
  return { underWay, open, send }
}

test('what is under way is not sent again, and other files are', async () => {
  const { underWay, open, send } = sending()
  const all = Promise.all([send('a'), send('a'), send('b'), send('a')])
  expect(open).toHaveLength(2)
  for (const one of open) one.resolve(null)
  await all
  expect([open.length, underWay.size]).toEqual([2, 0])
  const later = send('a')
  expect(open).toHaveLength(3)
  open[2]!.resolve(null)
  await later
})

test('one that fails is sent by the next that waited, and by one alone', async () => {
  const { underWay, open, send } = sending()
  const [first, second, third] = [send('a'), send('a'), send('a')]
  open[0]!.reject(new Error('lost'))
  await expect(first).rejects.toThrow('lost')
  await new Promise(setImmediate)
  expect(open).toHaveLength(2)
  open[1]!.resolve(null)
  await Promise.all([second, third])
  expect([open.length, underWay.size]).toEqual([2, 0])
})

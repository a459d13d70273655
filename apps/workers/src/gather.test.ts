import { expect, test } from '@jest/globals'
import { setTimeout as delay } from 'node:timers/promises'
import { gather } from './gather.ts'

function recorder(answer: (input: number) => string | Error = (input) => `${input}!`) {
  const batches: number[][] = []
  const send = (inputs: readonly number[]) => {
    batches.push([...inputs])
    return Promise.resolve(inputs.map(answer))
  }
  return { batches, send }
}

test('what is asked for together goes out together, and everybody gets their own answer', async () => {
  const { batches, send } = recorder()
  const ask = gather(send, { ms: 5, most: 100 })
  expect(await Promise.all([ask(1), ask(2), ask(3)])).toEqual(['1!', '2!', '3!'])
  expect(await ask(4)).toBe('4!')
  expect(batches).toEqual([[1, 2, 3], [4]])
})

test('a full batch goes out at once, the rest after it', async () => {
  const { batches, send } = recorder()
  const ask = gather(send, { ms: 20, most: 2 })
  const answers = Promise.all([1, 2, 3, 4, 5].map(ask))
  expect(batches).toEqual([
    [1, 2],
    [3, 4],
  ])
  expect(await answers).toHaveLength(5)
  expect(batches.at(-1)).toEqual([5])
})

test('while a call is under way, what comes meanwhile goes together, and does not wait for one that hangs', async () => {
  const batches: number[][] = []
  const calls: (() => void)[] = []
  const ask = gather<number, number>(
    (inputs) => {
      batches.push([...inputs])
      return new Promise((resolve) => calls.push(() => resolve(inputs)))
    },
    { ms: 1, most: 100 },
  )
  const until = async (count: number) => {
    while (batches.length < count) await delay(1)
  }
  const answers = [ask(1)]
  await until(1)
  answers.push(ask(2))
  await delay(20)
  answers.push(ask(3))
  expect(batches).toEqual([[1]])
  calls[0]!()
  await until(2)
  expect(batches[1]).toEqual([2, 3])
  answers.push(ask(4))
  await until(3)
  for (const end of calls) end()
  expect(await Promise.all(answers)).toEqual([1, 2, 3, 4])
})

test('a batch that was full leaves no timer behind for the next', async () => {
  const { batches, send } = recorder()
  const ask = gather(send, { ms: 30, most: 2 })
  const first = [ask(1), ask(2)]
  await delay(20)
  const next = [ask(3)]
  await delay(15)
  next.push(ask(4))
  await Promise.all([...first, ...next])
  expect(batches).toEqual([
    [1, 2],
    [3, 4],
  ])
})

test('what fails for one fails for one; what fails for all, for all', async () => {
  const { send } = recorder((input) => (input === 2 ? new Error('not you') : 'yes'))
  const ask = gather(send, { ms: 1, most: 100 })
  const ends = await Promise.allSettled([ask(1), ask(2), ask(3)])
  expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  const broken = gather(() => Promise.reject(new Error('away')), { ms: 1, most: 100 })
  expect((await Promise.allSettled([broken(1), broken(2)])).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  const short = gather(() => Promise.resolve(['only one']), { ms: 1, most: 100 })
  expect((await Promise.allSettled([short(1), short(2)])).map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
})

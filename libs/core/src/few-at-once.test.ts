import { expect, test } from '@jest/globals'
import { fewAtOnce } from './few-at-once.ts'

test('answers stand in the order of what was asked, whoever is ready first', async () => {
  const second = Promise.withResolvers<undefined>()
  const answers = await fewAtOnce(2, ['a', 'b', 'c'], async (name) => {
    if (name === 'a') await second.promise
    else second.resolve(undefined)
    return name.toUpperCase()
  })
  expect(answers).toEqual(['A', 'B', 'C'])
})

test('after a failure no more is begun, and it is thrown when what is under way has ended', async () => {
  const slow = Promise.withResolvers<undefined>()
  const said: string[] = []
  const all = fewAtOnce(2, ['slow', 'bad', 'never'], async (name) => {
    said.push(name)
    if (name === 'bad') throw new Error('It went wrong')
    await slow.promise
    said.push(`${name} ended`)
  })
  const thrown = all.catch((error: unknown) => void said.push((error as Error).message))
  await new Promise(setImmediate)
  slow.resolve(undefined)
  await thrown
  expect(said).toEqual(['slow', 'bad', 'slow ended', 'It went wrong'])
})

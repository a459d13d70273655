import { describe, expect, test } from '@jest/globals'
import { setTimeout as delay } from 'node:timers/promises'
import { prefetch } from './prefetch.ts'

describe('prefetch', () => {
  test('asks for the next value while the last is worked on, and never for two', async () => {
    const asked: number[] = []
    async function* source() {
      for (let value = 1; value <= 4; value += 1) {
        asked.push(value)
        yield value
      }
    }
    const seen: [number, number][] = []
    for await (const value of prefetch(source())) {
      await delay(1)
      seen.push([value, asked.length])
    }
    expect(seen).toEqual([
      [1, 2],
      [2, 3],
      [3, 4],
      [4, 4],
    ])
  })

  test('both sides work at the same time', async () => {
    let isMaking = false
    let together = 0
    async function* source() {
      for (let value = 0; value < 8; value += 1) {
        isMaking = true
        await delay(20)
        isMaking = false
        yield value
      }
    }
    for await (const _ of prefetch(source())) {
      await delay(5)
      if (isMaking) together += 1
    }
    expect(together).toBe(7)
  })

  test('an error comes after the values before it, and is not unhandled meanwhile', async () => {
    async function* source() {
      yield 1
      throw new Error('broken')
    }
    const seen: number[] = []
    const run = async () => {
      for await (const value of prefetch(source())) {
        await delay(5)
        seen.push(value)
      }
    }
    await expect(run()).rejects.toThrow('broken')
    expect(seen).toEqual([1])
  })

  test('ending early ends the source', async () => {
    let isEnded = false
    async function* source() {
      try {
        yield 1
        yield 2
        yield 3
      } finally {
        isEnded = true
      }
    }
    for await (const _ of prefetch(source())) break
    expect(isEnded).toBe(true)
  })
})

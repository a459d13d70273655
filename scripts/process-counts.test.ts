import { describe, expect, test } from '@jest/globals'
import { processCounts } from './process-counts.ts'

const one = { web: 1, accounts: 1, conductor: 1, workers: 1, platform: 1 }

describe('processCounts', () => {
  test('is one of each unless told otherwise', () => {
    expect(processCounts(undefined)).toEqual(one)
    expect(processCounts('')).toEqual(one)
    expect(processCounts(' workers:4, accounts:2,', {}, 'linux')).toEqual({ ...one, workers: 4, accounts: 2 })
    expect(processCounts('workers:4', { workers: 2 }, 'linux')).toEqual({ ...one, workers: 2 })
  })

  test.each(['workers', 'workers=4', 'postgres:2', 'workers:-1', 'constructor:2', 'workers:4:4'])(
    '%s is refused, saying how to write it',
    (text) => {
      expect(() => processCounts(text)).toThrow(/write it like/)
    },
  )

  test('neither none nor too many', () => {
    expect(() => processCounts('web:0')).toThrow('web from 1 to 32')
    expect(() => processCounts('web:99', {}, 'linux')).toThrow('web from 1 to 32')
  })

  test('where ports cannot be shared it says so, and one of each still goes', () => {
    expect(() => processCounts('workers:2', {}, 'darwin')).toThrow('darwin')
    expect(processCounts('workers:1', {}, 'win32')).toEqual(one)
  })
})

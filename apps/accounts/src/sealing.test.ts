import { randomBytes } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { createSealing, readSealingKeys } from './sealing.ts'

const key = (id: string) => ({ id, secret: randomBytes(32) })
const binding = ['user', 'mastodon', 'access_token']

describe('sealing', () => {
  test('opens what it sealed, never twice the same bytes', () => {
    const sealing = createSealing([key('a')])
    const first = sealing.seal('sécret', binding)
    expect(sealing.open(first, binding)).toBe('sécret')
    expect(Buffer.from(sealing.seal('sécret', binding).sealed)).not.toEqual(Buffer.from(first.sealed))
    expect(sealing.open(sealing.seal('', binding), binding)).toBe('')
  })

  test('old keys go on opening after a new one is in front', () => {
    const old = key('a')
    const sealed = createSealing([old]).seal('secret', binding)
    const rotated = createSealing([key('b'), old])
    expect(rotated.open(sealed, binding)).toBe('secret')
    expect(rotated.seal('secret', binding).keyId).toBe('b')
  })

  test('refuses every flipped bit, another binding, another key, a cut value', () => {
    const sealing = createSealing([key('a')])
    const { keyId, sealed } = sealing.seal('secret', binding)
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const changed = Buffer.from(sealed)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      expect(() => sealing.open({ keyId, sealed: changed }, binding)).toThrow('cannot be opened')
    }
    expect(() => sealing.open({ keyId, sealed }, ['user', 'mastodon', 'refresh_token'])).toThrow('cannot be opened')
    expect(() => sealing.open({ keyId, sealed }, ['user', 'mastodonaccess_token'])).toThrow('cannot be opened')
    expect(() => createSealing([key('a')]).open({ keyId, sealed }, binding)).toThrow('cannot be opened')
    expect(() => createSealing([key('b')]).open({ keyId, sealed }, binding)).toThrow('no sealing key a')
    expect(() => sealing.open({ keyId, sealed: sealed.subarray(0, 20) }, binding)).toThrow('cut short')
  })

  test('keys are read from text; faults name the key and show none of it', () => {
    const encoded = randomBytes(32).toString('base64')
    expect(readSealingKeys(`2026:${encoded}, old:${encoded}`).map(({ id }) => id)).toEqual(['2026', 'old'])
    expect(() => readSealingKeys('2026:c2hvcnQ=')).toThrow('key 2026 must be 32 bytes')
    expect(() => readSealingKeys(encoded)).toThrow('id:base64')
    expect(() => createSealing([key('a'), key('a')])).toThrow('same id')
  })
})

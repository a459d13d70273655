import { describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import { commaList, flag, integer, origin, readConfig, serviceConfigShape } from './config.ts'

const schema = z.object({ PORT: integer.default(3000), URL: origin, ALLOW: commaList, OPEN: flag })

describe('readConfig', () => {
  test('takes what is set, and defaults for what is unset or empty; the result is frozen', () => {
    const config = readConfig(schema, { URL: 'http://localhost:3000/', PORT: '', ALLOW: 'a:1, b:2,,a:1', OTHER: 'x' })
    expect(config).toEqual({ PORT: 3000, URL: 'http://localhost:3000', ALLOW: ['a:1', 'b:2'], OPEN: false })
    expect(Object.isFrozen(config) && Object.isFrozen(config.ALLOW)).toBe(true)
  })

  test('names every fault at once, and no value', () => {
    const read = () => readConfig(schema, { PORT: 'hunter2', OPEN: 'hunter2' })
    expect(read).toThrow(/PORT: must be a whole number\n.*URL: is missing\n.*OPEN: must be true or false/)
    expect(read).not.toThrow(/hunter2/)
  })

  test('an origin has no path', () => {
    expect(() => readConfig(z.object({ URL: origin }), { URL: 'http://localhost/a' })).toThrow(/without a path/)
    expect(() => readConfig(z.object({ URL: origin }), { URL: 'ftp://localhost' })).toThrow(/http or https/)
  })

  test('public keys are JSON by service', () => {
    const shape = z.object({ SERVICE_PUBLIC_KEYS: serviceConfigShape.SERVICE_PUBLIC_KEYS })
    const key = { kty: 'OKP', crv: 'Ed25519', x: 'abc' }
    expect(readConfig(shape, { SERVICE_PUBLIC_KEYS: JSON.stringify({ web: key }) }).SERVICE_PUBLIC_KEYS).toEqual({ web: key })
    for (const wrong of ['{', '[]', '{"web":{"kty":"RSA"}}', '{"stranger":{}}'])
      expect(() => readConfig(shape, { SERVICE_PUBLIC_KEYS: wrong })).toThrow(/SERVICE_PUBLIC_KEYS: must be JSON/)
  })
})

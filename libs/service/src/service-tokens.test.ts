import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, jest, test } from '@jest/globals'
import { SignJWT, decodeJwt } from 'jose'
import { createSigner, createVerifier } from './service-tokens.ts'

const web = generateKeyPairSync('ed25519')
const workers = generateKeyPairSync('ed25519')
const jwk = (pair: typeof web) => pair.publicKey.export({ format: 'jwk' }) as { kty: 'OKP'; crv: 'Ed25519'; x: string }
const sign = createSigner({ issuer: 'web', privateKey: JSON.stringify(web.privateKey.export({ format: 'jwk' })) })
const verify = createVerifier({ audience: 'accounts', publicKeys: { web: jwk(web), workers: jwk(workers) } })
const now = () => Math.floor(Date.now() / 1000)

function forge(
  change: { iss?: string; aud?: string; iat?: number; exp?: number; jti?: string | null },
  key = web.privateKey,
): Promise<string> {
  const { iss = 'web', aud = 'accounts', iat = now(), exp = now() + 60, jti = 'x' } = change
  return new SignJWT({ ...(jti !== null && { jti }) })
    .setProtectedHeader({ alg: 'EdDSA' })
    .setIssuer(iss)
    .setAudience(aud)
    .setIssuedAt(iat)
    .setExpirationTime(exp)
    .sign(key)
}

describe('service tokens', () => {
  test('name who calls, and for whom', async () => {
    expect(await verify(await sign('accounts', 'u1'))).toEqual({ from: 'web', userId: 'u1' })
    expect(await verify(await sign('accounts', null))).toEqual({ from: 'web', userId: null })
    const { exp, iat, jti } = decodeJwt(await sign('accounts', 'u1'))
    expect(exp! - iat!).toBe(60)
    expect(jti).toEqual(expect.any(String))
  })

  test('are used again for two thirds of their life, for the same audience and person alone', async () => {
    expect(await sign('accounts', 'u2')).toBe(await sign('accounts', 'u2'))
    expect(await sign('accounts', 'u2')).not.toBe(await sign('accounts', 'u3'))
    expect(await sign('accounts', 'u2')).not.toBe(await sign('platform', 'u2'))
    const before = await sign('accounts', 'u4')
    const clock = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 41_000)
    try {
      expect(await sign('accounts', 'u4')).not.toBe(before)
    } finally {
      clock.mockRestore()
    }
  })

  test('that were found right are refused all the same once they have expired, or by a clock that was set back', async () => {
    const token = await forge({})
    expect(await verify(token)).toEqual(await verify(token))
    for (const changeMs of [70_000, -120_000]) {
      const clock = jest.useFakeTimers({ now: Date.now() + changeMs, doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] })
      try {
        await expect(verify(token)).rejects.toMatchObject({ kind: 'unauthenticated' })
      } finally {
        clock.useRealTimers()
      }
    }
  })

  test('are refused when anything about them is wrong', async () => {
    expect(await verify(await forge({}))).toEqual({ from: 'web', userId: null })
    const [head, payload] = (await sign('accounts', 'u1')).split('.')
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`
    const hmac = await new SignJWT({ jti: 'x' })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer('web')
      .setAudience('accounts')
      .setIssuedAt()
      .setExpirationTime('60s')
      .sign(Buffer.from(jwk(web).x, 'base64url'))
    const wrong = [
      '',
      'a',
      'a.b.c',
      none,
      hmac,
      `${head}.${payload}.AAAA`,
      await sign('platform', 'u1'),
      await forge({ iss: 'workers' }),
      await forge({ iss: 'stranger' }),
      await forge({ iss: '__proto__' }),
      await forge({ aud: 'web' }),
      await forge({ iat: now() - 120, exp: now() - 60 }),
      await forge({ iat: now() - 120, exp: now() + 600 }),
      await forge({ exp: now() + 3600 }),
      await forge({ iat: now() + 600, exp: now() + 660 }),
      await forge({ jti: null }),
      await forge({}, workers.privateKey),
    ]
    for (const token of wrong) await expect(verify(token)).rejects.toMatchObject({ kind: 'unauthenticated' })
  })

  test('want an Ed25519 key, and never quote it', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' })
    for (const privateKey of ['hunter2', '{"kty":"hunter2"}', String(rsa)]) {
      expect(() => createSigner({ issuer: 'web', privateKey })).toThrow(/SERVICE_PRIVATE_KEY must be/)
      expect(() => createSigner({ issuer: 'web', privateKey })).not.toThrow(/hunter2/)
    }
  })
})

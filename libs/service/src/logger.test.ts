import { describe, expect, test } from '@jest/globals'
import { AshevilleError } from '@asheville/core'
import { createLogger } from './logger.ts'

const canary = 'CaNaRy0123456789'

function logged(write: (log: ReturnType<typeof createLogger>) => void): string {
  const lines: string[] = []
  write(createLogger('web', 'trace', { write: (line) => void lines.push(line) }))
  return lines.join('')
}

describe('the log', () => {
  test('masks what is named like a secret, at any depth and in any case, and in children', () => {
    const text = logged((log) => {
      log.info({ accessToken: canary, refresh_token: canary, Authorization: canary, cookie: canary, password: canary }, 'a')
      log.info(
        { request: { headers: { 'X-Api-Key': canary } }, list: [{ clientSecret: canary }], content: canary, raw: { a: canary } },
        'b',
      )
      log.child({ authorization: canary, token: canary }).info('c')
    })
    expect(text).not.toContain(canary)
    expect(text.match(/\[masked\]/g)!.length).toBeGreaterThan(8)
  })

  test('masks queries, user names and credentials inside any text', () => {
    const text = logged((log) => {
      log.info(`GET https://example.org/a?access_token=${canary}&b=1 failed`)
      log.info({ url: `https://me:${canary}@example.org/x#${canary}` }, `Authorization: Bearer ${canary}`)
      log.info({ why: `postgres://user:${canary}@db/asheville` }, `eyJhbGciOiJFZERTQSJ9.${canary}.${canary}`)
    })
    expect(text).not.toContain(canary)
    expect(text).toContain('https://example.org/a?[masked] failed')
  })

  test('says of an error its kind, message, code and causes, never its other fields', () => {
    const foreign = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET', config: { headers: { a: canary } }, request: canary })
    const error = new AshevilleError('unavailable', 'Mastodon does not answer', { cause: new Error('outer', { cause: foreign }) })
    const text = logged((log) => {
      log.error({ error }, 'first')
      log.error({ job: { error: foreign } }, 'second')
      log.error(foreign)
    })
    expect(text).not.toContain(canary)
    const [first, second, third] = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(first.error).toEqual({
      kind: 'unavailable',
      name: 'AshevilleError',
      message: 'Mastodon does not answer',
      causes: ['Error: outer', 'Error: socket hang up (ECONNRESET)'],
    })
    expect(second.job.error).toMatchObject({ kind: 'unexpected', code: 'ECONNRESET', stack: expect.stringContaining('socket hang up') })
    expect(third.error).toMatchObject({ kind: 'unexpected', message: 'socket hang up' })
  })

  test('survives cycles and odd values', () => {
    const cycle: Record<string, unknown> = { when: new Date(0), none: null, many: new Map([['a', canary]]) }
    cycle['self'] = cycle
    expect(logged((log) => log.info(cycle, 'x'))).toContain('"when":"1970-01-01T00:00:00.000Z"')
  })
})

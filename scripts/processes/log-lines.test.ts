import { describe, expect, test } from '@jest/globals'
import { lastWordsOf, readableLine } from './log-lines.ts'

const entry = (fields: object): string => JSON.stringify({ time: '2026-11-21T03:33:19.256Z', service: 'web', ...fields })

describe('what a person at the terminal sees', () => {
  test('warnings and errors, on one line, with their cause and request', () => {
    const line = entry({ level: 'error', msg: 'sync failed', error: { message: 'The network\ndoes not answer' }, requestId: 'r1' })
    expect(readableLine('workers', line)).toMatch(/^\d\d:\d\d:\d\d workers error: sync failed \(The network; does not answer\) \[r1\]$/)
    expect(readableLine('web', entry({ level: 'warn', msg: 'slow' }))).toMatch(/web warning: slow$/)
  })

  test('not that a part is missing while everything starts', () => {
    const line = entry({ level: 'warn', msg: 'later', error: { kind: 'unavailable', message: 'no answer' } })
    expect(readableLine('web', line, true)).toBeNull()
    expect(readableLine('web', line)).toContain('later (no answer)')
    expect(readableLine('web', entry({ level: 'warn', msg: 'slow' }), true)).toContain('slow')
  })

  test('nothing else', () => {
    expect(readableLine('web', entry({ level: 'info', msg: 'listening' }))).toBeNull()
    expect(readableLine('web', 'plain text')).toBeNull()
    expect(readableLine('web', '{"level":"error"')).toBeNull()
  })
})

describe('why a process ended', () => {
  test('all faults of a start that failed', () => {
    const tail = [
      entry({ level: 'info', msg: 'x' }),
      'cannot start: The environment is not right:',
      '  WEB_URL: is missing',
      '  PORT: must be a number',
    ]
    expect(lastWordsOf(tail)).toBe('cannot start: The environment is not right: WEB_URL: is missing; PORT: must be a number')
  })

  test('the error and not its stack; a logged one with its cause; else the last line', () => {
    expect(lastWordsOf(['TypeError: no', '    at one', '    at two', '', 'Node.js v24'])).toBe('TypeError: no')
    expect(lastWordsOf([entry({ level: 'fatal', msg: 'uncaught', error: { message: 'why' } }), ''])).toBe('uncaught (why)')
    expect(lastWordsOf(['Killed'])).toBe('Killed')
    expect(lastWordsOf([])).toBe('')
  })
})

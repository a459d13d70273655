import { expect, test } from '@jest/globals'
import { errorOfAnswer } from './translate-error.ts'

test('a refusal is what its tags say; one that arrived cut short says nothing, and is tried again', () => {
  const answer = {
    error_summary: 'path/conflict/file/..',
    error: { '.tag': 'path', reason: { '.tag': 'conflict', conflict: { '.tag': 'file' } } },
  }
  const kindOfAnswer = (body: unknown) => errorOfAnswer(409, new Headers(), body).kind
  expect(kindOfAnswer(answer)).toBe('conflict')
  expect(kindOfAnswer({ error: { '.tag': 'something_new' } })).toBe('invalid')
  expect(kindOfAnswer(JSON.stringify(answer).slice(0, 40))).toBe('unavailable')
  expect(kindOfAnswer(null)).toBe('unavailable')
})

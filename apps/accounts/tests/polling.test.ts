import { expect, test } from '@jest/globals'
import { simulatePolling } from './simulate-polling.ts'

test('200 connections over 30 days: far fewer requests than every 15 minutes, and what is new is found two minutes later', () => {
  const { adaptive, fixed, lines } = simulatePolling({ connections: 200, days: 30, seed: 7 })
  process.stdout.write(`${lines.join('\n')}\n`)
  expect(adaptive.requests).toBeLessThan(0.4 * fixed.requests)
  expect(adaptive.delayMs).toBeLessThan(1.4 * fixed.delayMs)
})

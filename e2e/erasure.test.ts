import { expect, test } from '@jest/globals'
import { runErasure } from './erasure-scenario.ts'

// In small; at full size: ERASURE_KILLS=20 npm test -- e2e/erasure
const kills = Number(process.env['ERASURE_KILLS'] ?? 5)

test(`accounts are closed while a sync runs, with 0 and with ${kills} kills on the way: nothing of the person is left, every access is given back`, async () => {
  // Where Redis keeps nothing, killing it forgets what is to be forgotten: only without is that shown.
  const outcomes = await runErasure({ kills: [0, kills], seed: 'erasure', items: 4000 })
  for (const { closing, ...figures } of outcomes) {
    const { grants, forgotten, jobs } = closing
    process.stderr.write(`erasure: ${JSON.stringify({ ...figures, grants, forgotten, jobs }, null, 1)}\n`)
    expect(figures.hits).toEqual([])
    expect(grants.map(({ outcome }) => outcome)).toEqual(['revoked', 'revoked'])
    expect(Math.min(...figures.revocations)).toBeGreaterThanOrEqual(1)
    expect(figures.deadTokens).toBe(2)
    expect({ latePulls: figures.latePulls, lateWrites: figures.lateWrites }).toEqual({ latePulls: 0, lateWrites: 0 })
    expect(figures.filesKept).toBeGreaterThan(0)
    expect(forgotten?.items).toBeGreaterThanOrEqual(200)
    expect(figures.doneMs).toBeLessThanOrEqual(60_000)
    expect(figures.othersSession).toBe(true)
  }
  // With more of them it may be over before the last.
  if (kills <= 5) expect(outcomes.map(({ struck }) => struck.length)).toEqual([0, kills])
}, 500_000)

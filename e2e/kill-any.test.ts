import { expect, test } from '@jest/globals'
import { runKillScenario } from './kill-scenario.ts'

// In small; at full size: npm run chaos -- any --items 10000 --kills 20.
const kills = 7

test(`${kills} kills over all processes in the middle of a first sync: nothing lost, nothing doubled, and the index agrees`, async () => {
  const { ok, state, struck, crashes, verdict } = await runKillScenario({ seed: 'a', items: 1200, pictures: 24, kills, latencyMs: 120 })
  expect(verdict.findings).toEqual([])
  expect(crashes).toEqual([])
  expect(new Set(struck.map(({ name }) => name))).toEqual(
    new Set(['web', 'accounts', 'conductor', 'workers', 'platform', 'redis', 'postgres']),
  )
  expect({ ok, state }).toEqual({ ok: true, state: 'done' })
  expect(verdict.counts).toMatchObject({ expected: 1400, items: 1400, lost: 0, doubled: 0 })
}, 180_000)

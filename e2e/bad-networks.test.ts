import { expect, test } from '@jest/globals'
import { runFaultyScenario } from './faulty-scenario.ts'

// In small, and held up for seconds instead of half a minute; at full size: npm run chaos -- faulty --items 50000.

test('one call in five to X and to Dropbox goes wrong: nothing is lost, doubled or damaged, and nobody is asked before the time that they said', async () => {
  const { network, storage, verdict } = await runFaultyScenario({
    seed: 'bad',
    items: 300,
    pictures: 20,
    stallMs: 1500,
    retryAfterSeconds: 1,
  })
  expect(verdict.findings).toEqual([])
  expect(verdict.counts).toMatchObject({ expected: 300, items: 300, media: 20, lost: 0, doubled: 0, differing: 0 })
  expect([network.early, storage.early]).toEqual([0, 0])
  for (const { calls, faults } of [network, storage])
    expect(Object.values(faults).reduce((sum, times) => sum + times, 0)).toBeGreaterThan(calls / 20)
}, 180_000)

import { expect, test } from '@jest/globals'
import { startCrowd } from './crowd.ts'
import { isMet } from './figures.ts'
import { severalAtOnce, severalProcesses } from './several-scenario.ts'

// In small; at full size: npm run chaos -- several.
test('two conductors and four workers at once behave as one, and all of them work', async () => {
  const crowd = await startCrowd({ people: 8, seed: 'several', statuses: 100, pictures: 1, latencyMs: 50, env: severalProcesses })
  try {
    const figures = await severalAtOnce('several', crowd)
    // Which hand takes how many of so few is up to the machine.
    const missed = figures.filter((figure) => !isMet(figure) && figure.metric !== 'several-least-share')
    expect(missed).toEqual([])
  } finally {
    await crowd.close()
  }
}, 180_000)

import { AshevilleError } from '@asheville/core'
import type { Refused } from '@asheville/clients'
import { asPerson } from '@asheville/database'
import type { Logger } from '@asheville/service'

/** People at once: each takes a connection of the pool, and others need some too. */
const sideBySide = 8

/** Once something was not available for so long, the rest is not tried: all would wait as long, one after the other. */
const patienceMs = 1400

/**
 * Does the work of each of a batch, whatever becomes of the others: what one throws is its own answer. What belongs to one person is
 * done one after the other, as it waits for the same lock. Answers in the order of the batch; throws `unavailable` when that is what
 * became of all of them.
 */
export async function eachByItself<Job extends { userId: string }, Done extends object>(
  batch: readonly Job[],
  work: (job: Job) => Promise<Done>,
  log: Logger,
): Promise<(Done | Refused)[]> {
  const answers: (Done | Refused)[] = []
  const people = Map.groupBy(batch.entries(), ([, { userId }]) => userId).values()
  const startedAt = performance.now()
  let away: Refused | null = null

  async function answer(job: Job): Promise<Done | Refused> {
    if (away && performance.now() - startedAt >= patienceMs) return away
    return asPerson(job.userId, () => work(job)).catch((error: unknown) => {
      const refused = refusal(error, log)
      if (refused.refused.kind === 'unavailable') away = refused
      return refused
    })
  }
  const runner = async () => {
    for (const jobs of people) for (const [place, job] of jobs) answers[place] = await answer(job)
  }
  await Promise.all(Array.from({ length: Math.min(sideBySide, batch.length) }, runner))
  if (answers.every((each) => 'refused' in each && each.refused.kind === 'unavailable')) {
    throw new AshevilleError('unavailable', 'The database cannot be reached or does not answer')
  }
  return answers
}

function refusal(error: unknown, log: Logger): Refused {
  if (error instanceof AshevilleError && error.kind !== 'unexpected') {
    const { kind, message: detail, retryAfterMs } = error
    return { refused: { kind, detail, ...(retryAfterMs !== undefined && { retryAfterMs }) } }
  }
  log.error({ error }, 'one of a batch failed')
  return { refused: { kind: 'unexpected', detail: 'Something went wrong' } }
}

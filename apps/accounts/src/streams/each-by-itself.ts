import { AshevilleError } from '@asheville/core'
import type { Refused } from '@asheville/clients'
import type { Logger } from '@asheville/service'

/** People at once: each takes a connection of the pool, and others need some too. */
const sideBySide = 8

/**
 * Does the work of each of a batch, whatever becomes of the others: what one throws is its own answer. What belongs to one person is
 * done one after the other, as it waits for the same lock. Answers in the order of the batch.
 */
export async function eachByItself<Job extends { userId: string }, Done>(
  batch: readonly Job[],
  work: (job: Job) => Promise<Done>,
  log: Logger,
): Promise<(Done | Refused)[]> {
  const answers: (Done | Refused)[] = []
  const people = Map.groupBy(batch.entries(), ([, { userId }]) => userId).values()
  const runner = async () => {
    for (const jobs of people)
      for (const [place, job] of jobs) answers[place] = await work(job).catch((error: unknown) => refusal(error, log))
  }
  await Promise.all(Array.from({ length: Math.min(sideBySide, batch.length) }, runner))
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

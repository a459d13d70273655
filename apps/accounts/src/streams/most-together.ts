import type { Refused } from '@asheville/clients'
import { kindOf } from '@asheville/core'
import { isContention, type Database } from '@asheville/database'
import type { Logger } from '@asheville/service'
import { lockFreePeople } from '../queries/users.ts'
import { eachByItself } from './each-by-itself.ts'

interface OfStream {
  userId: string
  connectionId: string
  stream: string
}

interface Ways<Job, Done> {
  /**
   * The usual, of as many as it fits, in a few statements for all: answers what it did by stream (`streamKey`) and leaves out the rest untouched. It runs as
   * the service, so that each statement must join by the person; the people are locked, and no stream comes twice.
   */
  together(tx: Database, jobs: readonly Job[]): Promise<Map<string, Done>>
  /** Anything, of one person, in their name. */
  byItself(job: Job): Promise<Done>
}

export const streamKey = ({ connectionId, stream }: Pick<OfStream, 'connectionId' | 'stream'>): string => `${connectionId} ${stream}`

/**
 * Does the work of a batch: what is usual in one transaction, and what is not (or whose person somebody else works on at this moment) each by itself, whatever
 * becomes of the others. Answers in the order of the batch.
 */
export async function mostTogether<Job extends OfStream, Done extends object>(
  db: Database,
  batch: readonly Job[],
  { together, byItself }: Ways<Job, Done>,
  log: Logger,
): Promise<(Done | Refused)[]> {
  const once = [...new Map(batch.map((job) => [streamKey(job), job])).values()]
  const done = await db
    .transaction(async (tx) => {
      const free = await lockFreePeople(tx, [...new Set(once.map(({ userId }) => userId))])
      const jobs = once.filter(({ userId }) => free.has(userId))
      return jobs.length === 0 ? new Map<string, Done>() : together(tx, jobs)
    })
    .catch((error: unknown) => {
      // By itself nothing would be had either.
      if (kindOf(error) === 'unavailable' && !isContention(error)) throw error
      log.warn({ error }, 'a batch is done one by one')
      return new Map<string, Done>()
    })
  const doneOf = (job: Job): Done | undefined => (once.includes(job) ? done.get(streamKey(job)) : undefined)
  const left = batch.filter((job) => !doneOf(job))
  const answers = left.length === 0 ? [] : await eachByItself(left, byItself, log)
  const rest = answers.values()
  return batch.map((job) => doneOf(job) ?? rest.next().value!)
}

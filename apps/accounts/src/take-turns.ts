import { AshevilleError } from '@asheville/core'

export interface Turns {
  /** How many work at once. */
  atOnce: number
  /** How many may wait, and how long each. */
  waiting: number
  waitMs: number
  /** What whoever is sent away is told. */
  refusal: string
}

/**
 * Runs work a few at a time, first come first served. Whoever would wait too long, or find too many waiting, gets
 * `unavailable` with the time to come back after: so a flood costs neither memory nor the time of those who are served.
 */
export function takeTurns({ atOnce, waiting, waitMs, refusal }: Turns): <T>(work: () => Promise<T>) => Promise<T> {
  let working = 0
  const queue: (() => void)[] = []
  const tooMany = () => new AshevilleError('unavailable', refusal, { retryAfterMs: waitMs })

  function wait(): Promise<void> {
    if (queue.length >= waiting) return Promise.reject(tooMany())
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        queue.splice(queue.indexOf(go), 1)
        reject(tooMany())
      }, waitMs)
      const go = () => {
        clearTimeout(timer)
        resolve()
      }
      queue.push(go)
    })
  }

  return async (work) => {
    // A turn is handed on, not given up and taken again: nobody gets in between.
    if (working < atOnce) working += 1
    else await wait()
    try {
      return await work()
    } finally {
      const next = queue.shift()
      if (next) next()
      else working -= 1
    }
  }
}

/**
 * The same for each person by themselves: `atOnce` of a person's work at a time. Who waits for a lock on what is theirs keeps one of the database's
 * connections meanwhile, which others need.
 */
export function takeTurnsByPerson(turns: Turns): <T>(userId: string, work: () => Promise<T>) => Promise<T> {
  const people = new Map<string, { inTurn: ReturnType<typeof takeTurns>; asking: number }>()
  return async (userId, work) => {
    const person = people.get(userId) ?? { inTurn: takeTurns(turns), asking: 0 }
    people.set(userId, person)
    person.asking += 1
    try {
      return await person.inTurn(work)
    } finally {
      person.asking -= 1
      if (person.asking === 0) people.delete(userId)
    }
  }
}

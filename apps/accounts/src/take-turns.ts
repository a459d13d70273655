import { AshevilleError } from '@asheville/core'

export interface Turns {
  /** How many work at once. */
  atOnce: number
  /** How many may wait, and how long each. */
  waiting: number
  waitMs: number
}

/**
 * Runs work a few at a time, first come first served. Whoever would wait too long, or find too many waiting, gets
 * `unavailable` with the time to come back after: so a flood costs neither memory nor the time of those who are served.
 */
export function takeTurns({ atOnce, waiting, waitMs }: Turns): <T>(work: () => Promise<T>) => Promise<T> {
  let working = 0
  const queue: (() => void)[] = []

  function wait(): Promise<void> {
    if (queue.length >= waiting) return Promise.reject(tooMany(waitMs))
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        queue.splice(queue.indexOf(go), 1)
        reject(tooMany(waitMs))
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

function tooMany(retryAfterMs: number): AshevilleError {
  return new AshevilleError('unavailable', 'Too many people sign in at this moment', { retryAfterMs })
}

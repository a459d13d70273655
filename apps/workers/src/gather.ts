/** How long what is asked for may wait for the call before it, in ms. */
const longestWaitMs = 200

/**
 * Makes one call of many: what is asked for within `ms` of the first goes out together, at most `most` at once; and while a call is under way, which is when
 * there is most to do, what comes meanwhile waits for its end, though not long. `send` answers in the order of what it was given; an error among its answers is
 * thrown to whom it concerns, and what it throws itself to everybody.
 */
export function gather<In, Out>(
  send: (inputs: readonly In[]) => Promise<readonly (Out | Error)[]>,
  { ms, most }: { ms: number; most: number },
): (input: In) => Promise<Out> {
  interface Waiting {
    input: In
    resolve(answer: Out): void
    reject(error: unknown): void
  }
  let waiting: Waiting[] = []
  let timer: NodeJS.Timeout | undefined
  let underWay = 0

  const flushWithin = (delayMs: number) => {
    clearTimeout(timer)
    timer = setTimeout(() => void flush(), delayMs)
  }

  async function flush(): Promise<void> {
    clearTimeout(timer)
    const batch = waiting
    waiting = []
    underWay += 1
    try {
      const answers = await send(batch.map(({ input }) => input))
      for (const [place, { resolve, reject }] of batch.entries()) {
        const answer = answers[place]
        if (answer === undefined) reject(new Error('There is no answer to one of a batch'))
        else if (answer instanceof Error) reject(answer)
        else resolve(answer)
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    } finally {
      underWay -= 1
      if (underWay === 0 && waiting.length > 0) flushWithin(ms)
    }
  }

  return (input) =>
    new Promise((resolve, reject) => {
      waiting.push({ input, resolve, reject })
      if (waiting.length === most) void flush()
      else if (waiting.length === 1) flushWithin(underWay === 0 ? ms : longestWaitMs)
    })
}

import { setTimeout as delay } from 'node:timers/promises'
import { errorFields } from './error-fields.ts'
import type { Logger } from './logger.ts'

/**
 * Does `work` again and again, first at once, `everyMs` apart (± 20 %, so that several processes do not march in step), until
 * the signal aborts. An outage is said once when it starts and once when it ends. Resolves when the last round is over.
 */
export async function repeat(
  name: string,
  everyMs: number,
  work: () => Promise<void>,
  { log, signal }: { log: Logger; signal: AbortSignal },
) {
  let isFailing = false
  while (!signal.aborted) {
    try {
      await work()
      if (isFailing) log.info({ loop: name }, 'It works again')
      isFailing = false
    } catch (error) {
      if (!isFailing && !signal.aborted) log.warn({ loop: name, error: errorFields(error) }, 'It does not work for now')
      isFailing = true
    }
    await delay(everyMs * (0.8 + Math.random() * 0.4), undefined, { signal }).catch(() => undefined)
  }
}

import { errorFields } from './error-fields.ts'
import type { Logger } from './logger.ts'

/** Logs, for whoever watches a connection (`onOutage`), that it is lost and what that means, and that it is back. */
export function sayOutages(logger: Logger, { away, back }: { away: string; back: string }) {
  return (isDown: boolean, error: Error | null): void => {
    if (isDown) logger.warn({ error: error ? errorFields(error) : undefined }, away)
    else logger.info(back)
  }
}

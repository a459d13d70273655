import type { Visit } from './binding.ts'
import type { Problem } from './problem.ts'

/** A signed-in person, as `browser.guard` found. Web may add more to it. */
export interface Person {
  readonly userId: string
  readonly sessionId: string
}

/** A urlencoded form: by field name its value, or its values where a name is repeated. It has no prototype. */
export type Form = Readonly<Record<string, string | readonly string[]>>

/** How routes for browsers (`person`, `visitor`) are guarded; web supplies it. Without it such routes do not register. */
export interface Browser {
  /**
   * Called before every `person` and `visitor` route, with the form already parsed. It looks up the session, and for unsafe
   * methods checks against forgery (throws `forbidden`). Returns who it is, or null. When it has answered itself (redirected
   * to sign-in), the handler is not called. Null without an answer on a `person` route is `unauthenticated`.
   */
  guard(visit: Visit): Promise<Person | null>
  /** Answers a failed page, or an address that does not exist, as HTML; status and problem headers are set already. */
  fail(problem: Problem, exchange: Pick<Visit, 'request' | 'response' | 'requestId' | 'log' | 'signal'>): void | Promise<void>
}

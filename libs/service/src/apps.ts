import type { Scope } from '@asheville/core'
import type { Exchange } from './binding.ts'

/** Somebody's program, let in by a token of the person whom it works for. */
export interface App {
  /** Of the token. */
  readonly id: string
  /** As the person calls it. */
  readonly name: string
  readonly userId: string
  readonly scopes: readonly Scope[]
  /** Whether the token is still good, for what goes on for long. Throws `unavailable` when nobody can tell. */
  isGood(): Promise<boolean>
}

/** Who knows programs by their tokens. */
export interface Apps {
  /**
   * The program that sent this request. Sets the `RateLimit` headers of its answer. Errors: `unauthenticated` without a token, or
   * with one that is none, has ended or was revoked; `rate-limited`; `unavailable` when nobody can tell.
   */
  admit(exchange: Pick<Exchange, 'request' | 'response' | 'requestId' | 'signal'>): Promise<App>
}

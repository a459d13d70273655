import { AshevilleError } from '@asheville/core'
import pg from 'pg'

// https://www.postgresql.org/docs/18/errcodes-appendix.html
const uniqueViolation = '23505'
const unavailableCodes = new Set([
  '40001', // serialization failure
  '40P01', // deadlock
  '53100', // disk full
  '53200', // out of memory
  '53300', // too many connections
  '55P03', // lock not available
  '57014', // canceled: statement_timeout
  '57P01', // admin shutdown
  '57P02', // crash shutdown
  '57P03', // starting up or shutting down
  '57P05', // idle session
  '25P03', // idle in transaction
  '25P04', // transaction timeout
])
const unstorableTextCodes = new Set(['22021', '22P05'])
const unstorableValueCodes = new Set([
  '22003', // numeric value out of range
  '22007', // invalid datetime
  '22008', // datetime overflow
  '22P02', // invalid text representation
])

/** Anything that pg threw, as ours with pg's as its cause; ours as it is. Messages hold names of tables, never values. */
export function translateError(error: unknown): AshevilleError {
  if (error instanceof AshevilleError) return error
  if (!(error instanceof pg.DatabaseError)) {
    return new AshevilleError('unavailable', 'The database cannot be reached or does not answer', { cause: error })
  }
  const code = error.code ?? ''
  if (code.startsWith('08') || unavailableCodes.has(code)) {
    return new AshevilleError('unavailable', `The database is not available: ${error.message}`, { cause: error })
  }
  if (unstorableTextCodes.has(code)) {
    return new AshevilleError('invalid', 'The text has a character that cannot be stored', { cause: error })
  }
  if (unstorableValueCodes.has(code)) {
    return new AshevilleError('invalid', 'A number or date is beyond what can be stored', { cause: error })
  }
  if (code.startsWith('23')) return new AshevilleError('conflict', error.message, { cause: error })
  return new AshevilleError('unexpected', `Postgres: ${error.message}`, { cause: error })
}

/** Whether this is the failure of that unique constraint or index (any, when none is named). */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  const cause = error instanceof AshevilleError ? error.cause : error
  if (!(cause instanceof pg.DatabaseError) || cause.code !== uniqueViolation) return false
  return constraint === undefined || cause.constraint === constraint
}

const contentionCodes = new Set(['40001', '40P01', '55P03'])

/** Whether somebody else's lock was in the way, so that less at once may come through. */
export function isContention(error: unknown): boolean {
  const cause = error instanceof AshevilleError ? error.cause : error
  return cause instanceof pg.DatabaseError && contentionCodes.has(cause.code ?? '')
}

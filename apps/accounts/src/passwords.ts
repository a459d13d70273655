import { availableParallelism } from 'node:os'
import { hash, verify } from '@node-rs/argon2'
import { takeTurns } from './take-turns.ts'

// Argon2id; OWASP's first choice for a server: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
const currentForm = `$argon2id$v=19$m=${cost.memoryCost},t=${cost.timeCost},p=${cost.parallelism}$`

// The thread pool has four threads, which files and names of hosts need too; each hash takes 19 MiB while it lasts.
const inTurn = takeTurns({
  atOnce: Math.min(3, Math.max(1, availableParallelism())),
  waiting: 500,
  waitMs: 6000,
  refusal: 'Too many people sign in at this moment',
})

/** Argon2id in PHC form, computed in the thread pool, a few at a time. `unavailable` when too many wait. */
export function hashPassword(password: string): Promise<string> {
  return inTurn(() => hash(password.normalize('NFKC'), cost))
}

/** Whether it was made at another cost than today's, so that it should be made again when the password is known. */
export function isOutdated(stored: string): boolean {
  return !stored.startsWith(currentForm)
}

let nobody: Promise<string> | undefined

/** Takes as long whether or not there is somebody to compare with (`stored` null). `unavailable` when too many wait. */
export async function verifyPassword(stored: string | null, password: string): Promise<boolean> {
  // Made at the first sign-in, whoever's that is.
  nobody ??= hash('nobody has this password', cost)
  const compared = stored ?? (await nobody)
  const matches = await inTurn(() => verify(compared, password.normalize('NFKC')))
  return matches && stored !== null
}

import { AsyncLocalStorage } from 'node:async_hooks'

/** Who a statement is for, as Postgres is told it: a person's id, everybody (the service itself), or nobody. */
export const nobody = ''
const everybody = '*'
const current = new AsyncLocalStorage<string>()

/**
 * What is asked of a database in here, and in all that it starts, is for this person: of tables with row-level security it
 * sees and changes their rows alone, whatever a statement forgets to say (docs/decisions/0007).
 */
export function asPerson<T>(userId: string, work: () => T): T {
  return current.run(userId, work)
}

/** The service asks for itself, across people: loops, batches, looking somebody up by what they sign in with. */
export function asService<T>(work: () => T): T {
  return current.run(everybody, work)
}

/** As the person of that id, or with null as the service. */
export function asCaller<T>(userId: string | null, work: () => T): T {
  return userId === null ? asService(work) : asPerson(userId, work)
}

/** Nobody unless said: who forgot to say sees no person's rows. */
export function currentCaller(): string {
  return current.getStore() ?? nobody
}

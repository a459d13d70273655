import { AshevilleError } from '@asheville/core'
import type { User } from '@asheville/clients'
import { isUniqueViolation, type Database } from '@asheville/database'

const columns = 'id, name, email, role, locale, created_at AS "createdAt"'

/** The person; `not-found` when the account is no more. */
export async function getUser(db: Database, userId: string): Promise<User> {
  const [user] = await db.query<User>(`SELECT ${columns} FROM users WHERE id = $1`, [userId])
  if (!user) throw noSuchPerson()
  return user
}

export async function hasOwner(db: Database): Promise<boolean> {
  const rows = await db.query("SELECT FROM users WHERE role = 'owner'")
  return rows.length > 0
}

/**
 * Waits for its turn to change what belongs together for one person: which connections work, which sync runs, which jobs it
 * has. It is the first lock that such a transaction takes; leases, streams, jobs and walks follow in this order. `conflict`
 * when the account is being closed: nothing begins there any more.
 */
export async function lockPerson(tx: Database, userId: string): Promise<void> {
  if (await lockEvenClosing(tx, userId)) throw new AshevilleError('conflict', 'This account is being closed')
}

/** The same for what brings work to its end: also while the account is being closed. Answers whether it is. */
export async function lockEvenClosing(tx: Database, userId: string): Promise<boolean> {
  const [row] = await tx.query<{ isClosing: boolean }>(
    'SELECT closing_at IS NOT NULL AS "isClosing" FROM users WHERE id = $1 FOR NO KEY UPDATE',
    [userId],
  )
  if (!row) throw noSuchPerson()
  return row.isClosing
}

/**
 * Locks those of these people, as `lockPerson` does, whom nobody works on at this moment and whose account stays: nobody is waited for. In
 * the order of their ids.
 */
export async function lockFreePeople(tx: Database, userIds: readonly string[]): Promise<Set<string>> {
  const rows = await tx.query<{ id: string }>(
    'SELECT id FROM users WHERE id = ANY ($1) AND closing_at IS NULL ORDER BY id FOR NO KEY UPDATE SKIP LOCKED',
    [userIds],
  )
  return new Set(rows.map(({ id }) => id))
}

export async function isClosing(db: Database, userId: string): Promise<boolean> {
  return (await db.query('SELECT FROM users WHERE id = $1 AND closing_at IS NOT NULL', [userId])).length > 0
}

/**
 * Adds a person who signs in by e-mail and password. The first becomes the owner, whoever comes at the same moment;
 * everybody else is `forbidden` unless `isOpen`. A known e-mail address is a `conflict`.
 */
export async function addUser(
  tx: Database,
  userId: string,
  person: { name: string; email: string; locale: string; passwordHash: string; isOpen: boolean },
): Promise<User> {
  try {
    const user = await addPerson(tx, userId, person)
    await tx.query("INSERT INTO identities (user_id, provider, provider_user_id) VALUES ($1, 'local', $2)", [userId, person.email])
    await tx.query('INSERT INTO passwords (user_id, hash) VALUES ($1, $2)', [userId, person.passwordHash])
    return user
  } catch (error) {
    if (isUniqueViolation(error, 'users_email') || isUniqueViolation(error, 'identities_provider_user')) throw emailTaken(error)
    throw error
  }
}

/** A person with no way to sign in yet; who is first and who may, as above. */
export async function addPerson(
  tx: Database,
  userId: string,
  person: { name: string; email: string | null; locale: string; isOpen: boolean },
): Promise<User> {
  const isFirst = !(await hasOwner(tx)) && (await isFirstInLine(tx))
  if (!isFirst && !person.isOpen) throw signUpClosed()
  const [user] = await tx.query<User>(
    `INSERT INTO users (id, name, email, role, locale) VALUES ($1, $2, $3, $4, $5) RETURNING ${columns}`,
    [userId, person.name, person.email, isFirst ? 'owner' : 'member', person.locale],
  )
  return user!
}

/** While there is no owner, people sign up one after the other. */
async function isFirstInLine(tx: Database): Promise<boolean> {
  await tx.query("SELECT pg_advisory_xact_lock(hashtext('asheville.accounts.owner'))")
  return !(await hasOwner(tx))
}

/** Whose address this is; null when it is nobody's. */
export async function findUserByEmail(db: Database, email: string): Promise<string | null> {
  const [row] = await db.query<{ id: string }>('SELECT id FROM users WHERE email = $1', [email])
  return row?.id ?? null
}

/** Who signs in by this e-mail address, and the hash of their password. */
export async function findPassword(db: Database, email: string): Promise<{ userId: string; hash: string } | null> {
  const [row] = await db.query<{ userId: string; hash: string }>(
    `SELECT p.user_id AS "userId", p.hash FROM identities i JOIN passwords p USING (user_id)
     WHERE i.provider = 'local' AND i.provider_user_id = $1`,
    [email],
  )
  return row ?? null
}

export function signUpClosed(): AshevilleError {
  return new AshevilleError('forbidden', 'Nobody else can sign up here: the owner of this server has not opened it to others')
}

function emailTaken(cause: unknown): AshevilleError {
  const message = 'There is an account with this e-mail address already. Sign in instead'
  return new AshevilleError('conflict', message, { cause, faults: [{ pointer: '/email', message }] })
}

function noSuchPerson(): AshevilleError {
  return new AshevilleError('not-found', 'There is no such person')
}

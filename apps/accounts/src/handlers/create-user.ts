import { randomUUID } from 'node:crypto'
import type { accountsRoutes } from '@asheville/clients'
import type { LoggedIn } from '@asheville/core'
import type { Handler } from '@asheville/service'
import { addressBlock } from '../address-block.ts'
import { accountOf } from '../connect/account-of.ts'
import { saveConnection, type NewLink } from '../connect/save-connection.ts'
import { withDeadline } from '../connect/with-deadline.ts'
import type { Context } from '../context.ts'
import { normalizeEmail } from '../email.ts'
import { keepReply } from '../idempotency/keep-reply.ts'
import { hashPassword } from '../passwords.ts'
import { sendVerificationLink } from '../profile/send-verification-link.ts'
import { countAttempt } from '../queries/throttles.ts'
import { addUser, hasOwner, signUpClosed } from '../queries/users.ts'

const nothing: LoggedIn = { tokens: null, server: null, fields: {} }

export function handleCreateUser(context: Context): Handler<typeof accountsRoutes.createUser> {
  const { db, isSignUpOpen } = context
  return async ({ body, signal, claim }) => {
    if (!isSignUpOpen && (await hasOwner(db))) throw signUpClosed()
    if (body.address !== undefined)
      await countAttempt(db, { key: `sign-up from ${addressBlock(body.address)}`, limit: 30, windowMs: 3_600_000 })
    const userId = randomUUID()
    const storage = await firstStorage(context, userId, signal)
    const { name, locale, password } = body
    const passwordHash = await hashPassword(password)
    return db.transaction(async (tx) => {
      const person = { name, email: normalizeEmail(body.email), locale, passwordHash, isOpen: isSignUpOpen }
      const user = await addUser(tx, userId, person)
      if (storage) await saveConnection(context, tx, userId, storage)
      await sendVerificationLink(context, tx, user, person.email)
      return keepReply(context, tx, claim, user, userId)
    })
  }
}

/** Who signs up without a storage begins with the first that asks for nothing, such as this server's disk; null where there is none. */
async function firstStorage(context: Context, userId: string, signal: AbortSignal): Promise<NewLink | null> {
  const adapter = context.storages.find(({ logins }) => logins.length === 0)
  if (!adapter) return null
  const found = { kind: 'storage', adapter } as const
  const account = await withDeadline(adapter.title, signal, (within) => accountOf(context, found, userId, nothing, within))
  return { ...nothing, provider: adapter.id, account, registrationId: null, endpoints: null, reconnects: null, storageId: null }
}

import { randomUUID } from 'node:crypto'
import { AshevilleError } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import { accountOf } from '../connect/account-of.ts'
import { saveConnection } from '../connect/save-connection.ts'
import { withDeadline } from '../connect/with-deadline.ts'
import { findAdapter, type Context } from '../context.ts'
import { normalizeEmail } from '../email.ts'
import { hashPassword } from '../passwords.ts'
import { addUser, hasOwner, signUpClosed } from '../queries/users.ts'

/** Every person begins with this server's disk as a storage. */
const firstStorage = 'local'

export function handleCreateUser(context: Context): Handler<typeof accountsRoutes.createUser> {
  const { db, isSignUpOpen } = context
  return async ({ body, signal }) => {
    if (!isSignUpOpen && (await hasOwner(db))) throw signUpClosed()
    const found = findAdapter(context, firstStorage)
    if (!found) throw new AshevilleError('unexpected', 'There is no storage called local')
    const userId = randomUUID()
    const nothing = { tokens: null, server: null, fields: {} }
    const account = await withDeadline(found.adapter.title, signal, (within) => accountOf(context, found, userId, nothing, within))
    const { name, locale, password } = body
    const passwordHash = await hashPassword(password)
    return db.transaction(async (tx) => {
      const person = { name, email: normalizeEmail(body.email), locale, passwordHash, isOpen: isSignUpOpen }
      const user = await addUser(tx, userId, person)
      const link = { ...nothing, provider: firstStorage, account, registrationId: null, endpoints: null, reconnects: null }
      await saveConnection(context, tx, userId, link)
      return user
    })
  }
}

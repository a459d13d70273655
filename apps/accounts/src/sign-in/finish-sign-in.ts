import { randomUUID } from 'node:crypto'
import { AshevilleError, type Account } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import { isUniqueViolation } from '@asheville/database'
import type { Handler } from '@asheville/service'
import { comeBack } from '../connect/come-back.ts'
import { giveBack } from '../connect/give-back.ts'
import { saveConnection, type NewLink } from '../connect/save-connection.ts'
import type { Context } from '../context.ts'
import { findIdentity, putIdentity, useIdentity } from '../identities/queries.ts'
import { findByAccount, isConnected } from '../queries/connections.ts'
import { addPerson, lockPerson } from '../queries/users.ts'
import { openSession } from '../sessions/open-session.ts'
import { linkOf } from './link-of.ts'

export function handleFinishSignIn(context: Context): Handler<typeof accountsRoutes.finishSignIn> {
  return async ({ body, signal, log }) => {
    const { provider, visitor, callback, device, locale } = body
    const newId = randomUUID()
    const arrival = await comeBack(context, { visitor }, { purpose: 'sign-in', provider, callback, userId: newId, signal })
    const link = linkOf(arrival)
    try {
      const userId = (await recognise(context, link)) ?? (await signUp(context, newId, locale, arrival.name, link))
      const { token, session } = await openSession(context, userId, device)
      return { token, session, returnTo: arrival.transaction.returnTo, isNew: userId === newId }
    } finally {
      // What neither a new connection nor an old one took.
      await giveBack(context, link, log)
    }
  }
}

/** Who signs in with this account; their storage works with the fresh tokens. Null when nobody does. */
async function recognise(context: Context, link: NewLink): Promise<string | null> {
  const { provider, server, account } = link
  return context.db.transaction(async (tx) => {
    const known = await findIdentity(tx, { provider, server, providerUserId: account.id })
    if (!known) return null
    const { userId } = known
    await lockPerson(tx, userId)
    await useIdentity(tx, userId, known.id, account.handle)
    const existing = await findByAccount(tx, userId, { provider, server, accountId: account.id })
    // What they disconnected stays so.
    if (existing && !existing.isRemoved) await saveConnection(context, tx, userId, link)
    return userId
  })
}

/** A new person, who is recognised by this account from now on; it is their first storage. */
async function signUp(context: Context, newId: string, locale: string, name: string, link: NewLink): Promise<string> {
  const { db, isSignUpOpen } = context
  const { provider, server, account } = link
  if (await isConnected(db, { provider, server, accountId: account.id })) throw connectedElsewhere(name)
  try {
    await db.transaction(async (tx) => {
      await addPerson(tx, newId, { name: nameOf(account), email: null, locale, isOpen: isSignUpOpen })
      await putIdentity(tx, newId, { provider, server, providerUserId: account.id, handle: account.handle })
      await saveConnection(context, tx, newId, link)
    })
    return newId
  } catch (error) {
    // The same new account in two tabs at once: the other one was first.
    const other = await findIdentity(db, { provider, server, providerUserId: account.id })
    if (other && error instanceof AshevilleError && (error.kind === 'conflict' || isUniqueViolation(error))) return other.userId
    throw error
  }
}

function connectedElsewhere(name: string): AshevilleError {
  return new AshevilleError(
    'conflict',
    `This account at ${name} is the storage of somebody here who does not sign in with it. If that is you, sign in as you usually do, and add it to your ways to sign in`,
  )
}

function nameOf({ title, handle, id }: Account): string {
  return [title, handle, id].map((text) => text.trim().slice(0, 100)).find((text) => text !== '') ?? id
}

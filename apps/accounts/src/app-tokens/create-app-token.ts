import { AshevilleError } from '@asheville/core'
import { beginOf, makeAppToken, type accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { mailPerson } from '../mail/mail-person.ts'
import { confirmPerson } from '../profile/confirm-person.ts'
import { lockPerson } from '../queries/users.ts'
import { hashToken } from '../tokens.ts'
import { addAppToken, listAppTokens } from './queries.ts'

const maxTokens = 50

export function handleCreateAppToken(context: Context): Handler<typeof accountsRoutes.createAppToken> {
  const { db, webUrl } = context
  return async ({ userId, body }) => {
    const { name, days } = body
    await confirmPerson(context, userId, body)
    const secret = makeAppToken()
    const added = { tokenHash: hashToken(secret), name, begins: beginOf(secret), scopes: [...new Set(body.scopes)], days }
    return db.transaction(async (tx) => {
      await lockPerson(tx, userId)
      if ((await listAppTokens(tx, userId)).length >= maxTokens)
        throw new AshevilleError('conflict', `${maxTokens} tokens are kept at most. Take one back that you no longer use`)
      const token = await addAppToken(tx, userId, added)
      const link = `${webUrl}/settings/apps`
      await mailPerson(context, tx, userId, 'app-token-made', (about) => ({ name: about.name, app: name, at: about.at, link }))
      return { secret, token }
    })
  }
}

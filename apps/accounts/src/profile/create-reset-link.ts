import { AshevilleError } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { normalizeEmail } from '../email.ts'
import { randomToken } from '../tokens.ts'
import { resetLink } from './answer-reset-request.ts'
import { addLink, findByEmail } from './queries.ts'

const minutes = 30

export function handleCreateResetLink({ db, webUrl }: Pick<Context, 'db' | 'webUrl'>): Handler<typeof accountsRoutes.createResetLink> {
  return async ({ body, log }) => {
    const person = await findByEmail(db, normalizeEmail(body.email))
    if (!person) throw new AshevilleError('not-found', 'Nobody has this e-mail address')
    const token = randomToken()
    await db.transaction((tx) => addLink(tx, person.userId, { token, purpose: 'reset-password', email: null, minutes }))
    log.info({ personId: person.userId }, 'the operator asked for a link that lets a new password be set')
    return { link: resetLink(webUrl, token), minutes }
  }
}

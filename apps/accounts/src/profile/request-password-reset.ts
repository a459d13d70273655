import { AshevilleError } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import { addressBlock } from '../address-block.ts'
import type { Context } from '../context.ts'
import { normalizeEmail } from '../email.ts'
import { queueResetRequest } from '../mail/queries.ts'
import { countAttempt } from '../queries/throttles.ts'

const windowMs = 3_600_000

/** Who has the address is found out later, by whoever sends the mail: the answer can tell nothing, nor can its time. */
export function handleRequestPasswordReset({ db, sealing, sendsMail }: Context): Handler<typeof accountsRoutes.requestPasswordReset> {
  return async ({ body }) => {
    if (!sendsMail) throw new AshevilleError('conflict', 'This server sends no mail. Ask whoever runs it')
    const email = normalizeEmail(body.email)
    await countAttempt(db, { key: `reset from ${addressBlock(body.address)}`, limit: 30, windowMs })
    await countAttempt(db, { key: `reset of ${email}`, limit: 5, windowMs })
    await queueResetRequest(db, email, sealing)
  }
}

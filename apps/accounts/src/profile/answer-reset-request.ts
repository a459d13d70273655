import type { Context } from '../context.ts'
import { removeMail } from '../mail/queries.ts'
import { queueMail } from '../mail/queue-mail.ts'
import { randomToken } from '../tokens.ts'
import { addLink, findByMailbox } from './queries.ts'

const minutes = 30

/** Turns a request into the mail that it is for; into nothing when nobody has that address. */
export async function answerResetRequest(
  context: Pick<Context, 'db' | 'sealing' | 'sendsMail' | 'webUrl'>,
  { id, to }: { id: string; to: string },
): Promise<void> {
  await context.db.transaction(async (tx) => {
    // Another process may have answered it.
    if (!(await removeMail(tx, id))) return
    const person = await findByMailbox(tx, to)
    if (!person) return
    const { userId, name, locale } = person
    const token = randomToken()
    await addLink(tx, userId, { token, purpose: 'reset-password', email: to, minutes })
    const link = resetLink(context.webUrl, token)
    await queueMail(context, tx, { userId, to, locale, kind: 'reset-password', values: { name, link } })
  })
}

export function resetLink(webUrl: string, token: string): string {
  return `${webUrl}/reset-password?token=${token}`
}

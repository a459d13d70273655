import { AshevilleError, type Fields } from '@asheville/core'
import { chooseLogin } from '../connect/choose-login.ts'
import { serverField } from '../connect/first-field.ts'
import type { Registrar } from '../connect/provider-client.ts'
import { sendAway } from '../connect/send-away.ts'
import { withDeadline } from '../connect/with-deadline.ts'
import { findAdapter, type Context } from '../context.ts'
import type { Sent } from '../queries/oauth-transactions.ts'
import { signInLogin } from './sign-in-login.ts'

interface Asked {
  provider: string
  fields: Fields
  purpose: 'sign-in' | 'identity'
  returnTo: string | null
  signal: AbortSignal
}

/** The address of a storage's authorisation server, for signing in there. `invalid` where that cannot be done with it. */
export async function sendToSignIn(context: Context, register: Registrar, sent: Sent, asked: Asked): Promise<string> {
  const { provider, purpose, returnTo } = asked
  const found = findAdapter(context, provider)
  const login = found?.kind === 'storage' ? signInLogin(found.adapter, context) : null
  if (!found || !login) throw new AshevilleError('invalid', 'Nobody can sign in with that on this server')
  const { title } = found.adapter
  const { fields } = chooseLogin(title, [login], asked.fields)
  const server = serverField(login)
  const errand = { purpose, returnTo, reconnects: null, storageId: null }
  return withDeadline(
    title,
    asked.signal,
    (signal) => sendAway(context, register, sent, { found, login, fields, errand, signal }),
    server ? `/${server.name}` : null,
  )
}

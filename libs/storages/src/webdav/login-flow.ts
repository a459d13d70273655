import { AshevilleError, kindOf, type Approval, type Fields, type LoggedIn, type LoginIo, type Tokens } from '@asheville/core'
import { asLoginFault, fetchJson } from '@asheville/http-client'
import { findNextcloud, ocsHeaders } from './nextcloud.ts'
import { addressTyped, faulty, folderTyped, signInAs } from './sign-in.ts'

/* Login Flow v2: https://docs.nextcloud.com/server/latest/developer_manual/client_apis/LoginFlow/index.html#login-flow-v2 */

const service = 'Nextcloud'
/** So the app password is called in the person's settings. */
const headers = { 'user-agent': 'Asheville' }

/** Of a Nextcloud where neither name nor password was filled in: the page where the person allows us in. */
export async function beginApproval(fields: Fields, io: LoginIo): Promise<Approval | null> {
  if (fields['user'] || fields['password']) return null
  const typed = addressTyped(fields['address'] ?? '')
  folderTyped(fields['folder'] ?? '')
  try {
    const base = await findNextcloud(typed, io)
    // Every other server wants a name and a password.
    if (base === null) return null
    const { body } = await fetchJson(io.http.fetch, `${base}/index.php/login/v2`, {
      method: 'POST',
      headers,
      schema: { parse: begunOf },
      signal: io.signal,
      service,
    })
    for (const address of [body.url, body.endpoint]) checkHost(address, base)
    return { url: body.url, secret: JSON.stringify({ endpoint: body.endpoint, token: body.token }) }
  } catch (error) {
    throw asLoginFault(error, '/address')
  }
}

/** null: not allowed yet, or no more. */
export async function finishApproval(secret: string, fields: Fields, io: LoginIo): Promise<LoggedIn | null> {
  const { endpoint, token } = JSON.parse(secret) as { endpoint: string; token: string }
  const asked = { method: 'POST', headers, form: { token }, schema: { parse: grantedOf }, signal: io.signal, service }
  const granted = await fetchJson(io.http.fetch, endpoint, asked).catch((error: unknown) => {
    if (kindOf(error) === 'not-found') return null
    throw error
  })
  if (granted === null) return null
  const { loginName, appPassword } = granted.body
  const signedIn = await signInAs(loginName, appPassword, fields, io)
  return { ...signedIn, fields: { ...signedIn.fields, approved: 'yes' } }
}

/** Withdraws an app password that was made for us; one that the person made themselves is theirs. */
export async function revoke({ accessToken }: Tokens, { server, fields }: Pick<LoggedIn, 'server' | 'fields'>, io: LoginIo): Promise<void> {
  if (fields['approved'] !== 'yes' || server === null) return
  await fetchJson(io.http.fetch, `${server}/ocs/v2.php/core/apppassword?format=json`, {
    method: 'DELETE',
    headers: ocsHeaders(accessToken),
    signal: io.signal,
    service,
  }).catch((error: unknown) => {
    // It is withdrawn already: perhaps by us, when the answer was lost.
    if (kindOf(error) !== 'reconnect-required') throw error
  })
}

function begunOf(value: unknown): { url: string; endpoint: string; token: string } {
  const { login, poll } = value as { login: string; poll: { token: string; endpoint: string } }
  return { url: new URL(login).href, endpoint: new URL(poll.endpoint).href, token: String(poll.token) }
}

function grantedOf(value: unknown): { loginName: string; appPassword: string } {
  const { loginName, appPassword } = value as { loginName?: unknown; appPassword?: unknown }
  if (typeof loginName !== 'string' || typeof appPassword !== 'string') throw new AshevilleError('unexpected', 'No app password came')
  return { loginName, appPassword }
}

/** A server that takes itself for another one would send the person, and what is to be kept secret, there. */
function checkHost(address: string, base: string): void {
  const { host, protocol } = new URL(address)
  if (host === new URL(base).host && /^https?:$/.test(protocol)) return
  throw faulty('address', `This Nextcloud says that it is at ${host}: write that address`)
}

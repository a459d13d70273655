import { escapeHtml, fieldsOf, type Answer, type Call, type Handler } from '../kit/index.ts'
import type { Account } from './types.ts'

type Flow = {
  pollToken: string
  flowToken: string
  client: string
  startedAt: number
  granted: { account: string; appPassword: string } | null
}
const lifeMs = 20 * 60_000

const page = (title: string, body: string): Answer => ({
  html:
    `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title></head>` +
    `<body style="font:16px system-ui;max-width:24rem;margin:4rem auto">${body}</body></html>`,
})

/** Login Flow v2: https://docs.nextcloud.com/server/latest/developer_manual/client_apis/LoginFlow/index.html#login-flow-v2 */
export function createLoginFlow(parts: {
  accounts: readonly Account[]
  makePassword(account: string): string
  token(): string
  now(): number
}) {
  const { accounts, makePassword, token, now } = parts
  const flows = new Map<string, Flow>()
  const live = (flow: Flow | undefined): Flow | null => (flow && now() - flow.startedAt < lifeMs ? flow : null)
  const byFlow = (call: Call): Flow | null => live([...flows.values()].find(({ flowToken }) => flowToken === call.params.token))

  const begin: Handler = (call) => {
    const flow: Flow = {
      pollToken: token(),
      flowToken: token(),
      client: call.headers['user-agent'] ?? 'unknown',
      startedAt: now(),
      granted: null,
    }
    flows.set(flow.pollToken, flow)
    const { origin } = call
    return {
      json: { poll: { token: flow.pollToken, endpoint: `${origin}/login/v2/poll` }, login: `${origin}/login/v2/flow/${flow.flowToken}` },
    }
  }

  const show: Handler = (call) => {
    const flow = byFlow(call)
    if (!flow) return { ...page('Access forbidden', '<h1>Access forbidden</h1><p>The state token is missing or over</p>'), status: 403 }
    const [first] = accounts
    return page(
      'Connect to your account',
      `<h1>Connect to your account</h1><p>You are about to grant <b>${escapeHtml(flow.client)}</b> access to your account.</p>` +
        `<form method="post"><label>Account <input name="user" value="${escapeHtml(first!.name)}"></label> ` +
        `<label>Password <input name="password" type="password" value="${escapeHtml(first!.password)}"></label> ` +
        `<button name="decision" value="allow">Grant access</button></form>`,
    )
  }

  const decide: Handler = (call) => {
    const flow = byFlow(call)
    const { user, password } = fieldsOf(call)
    const account = accounts.find((each) => each.name === user && each.password === password)
    if (!flow) return { ...page('Access forbidden', '<h1>Access forbidden</h1>'), status: 403 }
    if (!account) return { ...page('Wrong login', '<h1>Wrong login or password</h1>'), status: 401 }
    flow.granted = { account: account.name, appPassword: makePassword(account.name) }
    return page('Account connected', '<h1>Account connected</h1><p>Your client should now be connected! You can close this window.</p>')
  }

  const poll: Handler = (call) => {
    const flow = live(flows.get(String(fieldsOf(call).token ?? '')))
    if (!flow?.granted) return { status: 404, json: [] }
    // It is told once.
    flows.delete(flow.pollToken)
    return { json: { server: call.origin, loginName: flow.granted.account, appPassword: flow.granted.appPassword } }
  }

  return { begin, show, decide, poll }
}

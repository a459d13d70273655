import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider from 'oidc-provider'

export interface CertifiedProvider {
  issuer: string
  /** Signs in there and allows what is asked, as a person does; where the browser is sent then. */
  authorize(address: string, login: string): Promise<string>
  close(): Promise<void>
}

/**
 * Starts `oidc-provider`, which is certified by the OpenID Foundation, with its own pages for signing in and consent, PKCE
 * required: a provider that nobody here wrote.
 */
export async function startCertifiedProvider(client: { id: string; secret: string; redirectUri: string }): Promise<CertifiedProvider> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: client.id,
        client_secret: client.secret,
        redirect_uris: [client.redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    cookies: { keys: ['of this test'] },
    features: { revocation: { enabled: true } },
    pkce: { required: () => true },
    claims: { openid: ['sub'], profile: ['name'] },
    findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id, name: `${id} of the provider` }) }),
  })
  server.on('request', provider.callback())

  async function authorize(address: string, login: string): Promise<string> {
    const jar = new Map<string, string>()
    let next = address
    for (let step = 0; step < 12; step += 1) {
      const answer = await go(next, {}, jar)
      const location = answer.headers.get('location')
      if (location !== null) {
        next = new URL(location, next).href
        if (new URL(next).origin !== issuer) return next
        continue
      }
      const page = await answer.text()
      const [, action] = /<form[^>]* action="([^"]+)"/.exec(page) ?? []
      const [, prompt = ''] = /name="prompt" value="(\w+)"/.exec(page) ?? []
      if (action === undefined) throw new Error(`${answer.status} ${page.slice(0, 300)}`)
      const body = new URLSearchParams(prompt === 'login' ? { prompt, login, password: 'any' } : { prompt })
      const sent = await go(new URL(action, next).href, { method: 'POST', body }, jar)
      next = new URL(sent.headers.get('location') ?? '', next).href
      if (new URL(next).origin !== issuer) return next
    }
    throw new Error('The provider does not come to an end')
  }

  return {
    issuer,
    authorize,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function go(address: string, init: RequestInit, jar: Map<string, string>): Promise<Response> {
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
  const answer = await fetch(address, { ...init, headers: { cookie }, redirect: 'manual' })
  for (const line of answer.headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    if (value === '') jar.delete(name)
    else jar.set(name, value)
  }
  return answer
}

import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

interface Grant {
  account: string
  refreshToken: string
  accessToken: string
  isRevoked: boolean
}

/** A small real OAuth 2 server: registration, codes with PKCE, rotating single-use refresh tokens that revoke the grant on reuse. */
export async function startOAuthServer() {
  const clients = new Map<string, { secret: string; redirectUri: string }>()
  const codes = new Map<string, { clientId: string; account: string; challenge: string | null; redirectUri: string }>()
  const grants: Grant[] = []
  /** Refresh tokens that were used, by what they were of. */
  const spent = new Map<string, Grant>()
  const counts = { registrations: 0, exchanges: 0, refreshes: 0, reuses: 0, revocations: 0 }
  const script = { delayMs: 0, lifetimeSeconds: 3600 as number | null, hasRefresh: true, isDown: false, answersHtml: false }

  const server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? '/', 'http://localhost')
      const form = await readForm(request)
      if (script.isDown) return void response.writeHead(503).end('down')
      if (script.answersHtml) return void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>hello</p>')
      const send = (status: number, body: unknown) =>
        void response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify(body))
      if (url.pathname === '/register') {
        counts.registrations += 1
        const [clientId, secret] = [randomUUID(), randomUUID()]
        clients.set(clientId, { secret, redirectUri: form.get('redirect_uri') ?? '' })
        return send(200, { client_id: clientId, client_secret: secret })
      }
      if (url.pathname === '/me') {
        const token = request.headers.authorization?.replace('Bearer ', '')
        const grant = grants.find((each) => each.accessToken === token && !each.isRevoked)
        return grant ? send(200, { id: grant.account, handle: `@${grant.account}` }) : send(401, { error: 'invalid_token' })
      }
      const client = clients.get(form.get('client_id') ?? '')
      if (!client || client.secret !== form.get('client_secret')) return send(401, { error: 'invalid_client' })
      if (url.pathname === '/revoke') {
        counts.revocations += 1
        for (const grant of grants) {
          if (grant.refreshToken === form.get('token') || grant.accessToken === form.get('token')) grant.isRevoked = true
        }
        return send(200, {})
      }
      if (url.pathname === '/token') return answerToken(form, send, () => response.destroyed || request.socket.destroyed)
      return send(404, {})
    })()
  })

  async function answerToken(form: URLSearchParams, send: (status: number, body: unknown) => void, isGone: () => boolean): Promise<void> {
    if (form.get('grant_type') === 'authorization_code') {
      counts.exchanges += 1
      const code = codes.get(form.get('code') ?? '')
      codes.delete(form.get('code') ?? '')
      const verifier = form.get('code_verifier')
      const challenge = verifier === null ? null : createHash('sha256').update(verifier).digest('base64url')
      const fits =
        code && code.challenge === challenge && code.redirectUri === form.get('redirect_uri') && code.clientId === form.get('client_id')
      if (!fits) return send(400, { error: 'invalid_grant' })
      const grant = { account: code.account, accessToken: randomUUID(), refreshToken: randomUUID(), isRevoked: false }
      grants.push(grant)
      return send(200, answerOf(grant))
    }
    counts.refreshes += 1
    const token = form.get('refresh_token') ?? ''
    await delay(script.delayMs)
    // Whoever died while waiting has used up nothing.
    if (isGone()) return
    const grant = grants.find((each) => each.refreshToken === token && !each.isRevoked)
    if (!grant) {
      counts.reuses += 1
      const robbed = spent.get(token)
      if (robbed) robbed.isRevoked = true
      return send(400, { error: 'invalid_grant' })
    }
    spent.set(token, grant)
    grant.accessToken = randomUUID()
    grant.refreshToken = randomUUID()
    return send(200, answerOf(grant))
  }

  function answerOf({ accessToken, refreshToken }: Grant): object {
    return {
      access_token: accessToken,
      token_type: 'Bearer',
      ...(script.lifetimeSeconds === null ? {} : { expires_in: script.lifetimeSeconds }),
      ...(script.hasRefresh ? { refresh_token: refreshToken } : {}),
    }
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    host: `127.0.0.1:${port}`,
    counts,
    script,
    grants,
    forgetClients: () => clients.clear(),
    /** What the person in the browser does: answers the query that they come back with. */
    authorize(address: string, account: string): Record<string, string> {
      const { searchParams } = new URL(address)
      const code = randomUUID()
      codes.set(code, {
        clientId: searchParams.get('client_id') ?? '',
        account,
        challenge: searchParams.get('code_challenge'),
        redirectUri: searchParams.get('redirect_uri') ?? '',
      })
      return { code, state: searchParams.get('state') ?? '', iss: new URL(address).origin }
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

export type OAuthServer = Awaited<ReturnType<typeof startOAuthServer>>

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return new URLSearchParams(Buffer.concat(chunks).toString())
}

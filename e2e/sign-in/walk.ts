import { tokenOf, type Visitor } from '../../apps/web/tests/visitor.ts'
import type { OAuthProviderSimulator } from '@asheville/simulators'
import { webUrl } from './start-site.ts'

/** What a browser is sent to a provider for. */
export type Purpose = 'sign-in' | 'identity' | 'connect'

const pageOf: Record<Purpose, (provider: string) => { page: string; action: string; fields: Record<string, string> }> = {
  'sign-in': (provider) => ({ page: `/sign-in/${provider}`, action: `/sign-in/${provider}`, fields: {} }),
  identity: (provider) => ({ page: '/settings/identities', action: '/settings/identities', fields: { provider } }),
  connect: (provider) => ({ page: `/connect/${provider}`, action: `/connect/${provider}`, fields: {} }),
}

/** Sends the form as its page does; the answer is the site's. */
export async function send(
  visitor: Visitor,
  purpose: Purpose,
  provider: string,
  more: { fields?: Record<string, string>; headers?: Record<string, string>; query?: string } = {},
): Promise<Response> {
  const { page, action, fields } = pageOf[purpose](provider)
  const token = tokenOf(await (await visitor.get(page)).text())
  return visitor.post(`${action}${more.query ?? ''}`, { _csrf: token, ...fields, ...more.fields }, more.headers)
}

/** The address at the provider that the browser ends up at. */
export async function leave(visitor: Visitor, answer: Response): Promise<string> {
  const location = answer.headers.get('location') ?? ''
  if (answer.status !== 303 || !location.includes('/leave?'))
    throw new Error(`not sent away: ${answer.status} ${location} ${await answer.text()}`)
  const page = await (await visitor.get(location)).text()
  const [, href] = /<a class="button large" href="([^"]+)"/.exec(page) ?? []
  if (href === undefined) throw new Error(`no way out: ${page.slice(0, 400)}`)
  return href.replaceAll('&amp;', '&').replaceAll('&#38;', '&')
}

export async function begin(visitor: Visitor, purpose: Purpose, provider: string, more: Parameters<typeof send>[3] = {}): Promise<string> {
  return leave(visitor, await send(visitor, purpose, provider, more))
}

/** The path of our own site that a provider sends a browser back to. Throws when it is another's. */
export function pathOf(location: string): string {
  const url = new URL(location)
  if (url.origin !== webUrl) throw new Error(`sent to another site: ${url.origin}`)
  return url.pathname + url.search
}

/** All the way: begun, allowed, come back. */
export async function walk(
  visitor: Visitor,
  purpose: Purpose,
  provider: string,
  simulator: OAuthProviderSimulator,
  { account = 'alice', ...more }: { account?: string } & NonNullable<Parameters<typeof send>[3]> = {},
): Promise<Response> {
  const address = await begin(visitor, purpose, provider, more)
  return visitor.get(pathOf(await simulator.authorize(address, { account })))
}

export const isSignedIn = (visitor: Visitor): boolean => visitor.cookies.has('asheville') || visitor.cookies.has('__Host-asheville')

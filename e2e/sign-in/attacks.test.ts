import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { request } from 'node:http'
import { startOAuthProvider, type OAuthProviderSimulator } from '@asheville/simulators'
import type { Visitor } from '../../apps/web/tests/visitor.ts'
import { placeOf, scriptedNetwork, scriptedStorage, variablesOf } from './scripted-adapters.ts'
import { startSite, webUrl, type SignInSite } from './start-site.ts'
import { begin, isSignedIn, pathOf, send, walk, type Purpose } from './walk.ts'

/** RULES, figure 15: every attack on signing in, on adding a way to sign in, and on connecting is refused, and makes nothing. */

const sims: Record<string, OAuthProviderSimulator> = {}
let site: SignInSite

/** What is begun where: two of each, so that one's answer can be brought to the other. */
const providers: Record<Purpose, readonly [string, string]> = {
  'sign-in': ['cedar', 'maple'],
  identity: ['cedar', 'maple'],
  connect: ['brook', 'creek'],
}
const purposes = Object.keys(providers) as Purpose[]
/** Accounts of which nobody has heard before. */
const fresh = (purpose: Purpose, use: string): string => `${use} of ${purpose}`
const accountNames = [
  'mallory',
  'carol',
  ...purposes.flatMap((purpose) => ['first', 'used', 'both', 'tabs'].map((use) => fresh(purpose, use))),
]
const callbackOf = (provider: string) =>
  provider === 'brook' || provider === 'creek' ? `/connect/${provider}/callback` : `/sign-in/${provider}/callback`

beforeAll(async () => {
  const ids = ['cedar', 'maple', 'brook', 'creek']
  await Promise.all(
    ids.map(async (id) => {
      const client = { clientId: `asheville-${id}`, clientSecret: 'secret', redirectUris: [`${webUrl}${callbackOf(id)}`] }
      sims[id] = await startOAuthProvider({ accounts: accountNames, clients: [client], pkce: 'optional' })
    }),
  )
  const place = (id: string) => placeOf(sims[id]!.url)
  site = await startSite({
    storages: [scriptedStorage('cedar', 'Cedar', place('cedar')), scriptedStorage('maple', 'Maple', place('maple'))],
    networks: [scriptedNetwork('brook', 'Brook', place('brook')), scriptedNetwork('creek', 'Creek', place('creek'))],
    variables: Object.fromEntries(
      ids.flatMap((id) => [
        [variablesOf(id).id, `asheville-${id}`],
        [variablesOf(id).secret, 'secret'],
      ]),
    ),
  })
  await site.accounts.signUp('owner@example.org')
}, 60_000)
afterAll(async () => {
  await site?.close()
  await Promise.all(Object.values(sims).map((each) => each.close()))
})

/** What one place may begin is bounded, which is tested by itself. */
beforeEach(() => site.accounts.db.query('DELETE FROM throttles'))

/** Everything that an attack could make. */
async function made(): Promise<Record<string, number>> {
  const tables = ['users', 'identities', 'sessions', 'connections', 'credentials', 'parked_accounts']
  const counted = tables.map(async (table) => {
    const [row] = await site.accounts.db.query<{ count: number }>(`SELECT count(*) FROM ${table}`)
    return [table, row!.count] as const
  })
  return Object.fromEntries(await Promise.all(counted))
}

const tried: Record<string, { attacks: number; refused: number }> = {}

/** The answer to an attack: it was not let in anywhere, and whoever brought it is signed in as nobody else. */
async function refused(name: string, visitor: Visitor, attack: () => Promise<Response>): Promise<void> {
  const session = visitor.cookies.get('__Host-asheville')
  const row = (tried[name] ??= { attacks: 0, refused: 0 })
  row.attacks += 1
  const answer = await attack()
  const isSentToSignIn = answer.status === 303 && answer.headers.get('location')?.startsWith('/sign-in?returnTo=')
  const isRefused = [400, 401, 403, 404, 409, 422].includes(answer.status) || isSentToSignIn
  if (isRefused && visitor.cookies.get('__Host-asheville') === session) row.refused += 1
  else throw new Error(`${name}: ${answer.status} ${answer.headers.get('location')}`)
}

/** A browser that may begin that: for all but signing in, signed in. */
async function browserFor(purpose: Purpose): Promise<Visitor> {
  const visitor = site.open()
  if (purpose === 'sign-in') return visitor
  const { token } = await site.accounts.signUp()
  visitor.cookies.set('__Host-asheville', token)
  return visitor
}

/** Begun and allowed at the provider; where the browser would go now. */
async function arrive(visitor: Visitor, purpose: Purpose, provider: string, account = 'mallory'): Promise<string> {
  return pathOf(await sims[provider]!.authorize(await begin(visitor, purpose, provider), { account }))
}

let before: Record<string, number>
const remember = async () => void (before = await made())
const nothingMade = async () => expect(await made()).toEqual(before)

function printed(...names: string[]): void {
  const rows = names.map((name) => [name, tried[name]!] as const)
  for (const [name, { attacks, refused: held }] of rows)
    process.stderr.write(`figure 15: ${name}: ${held} of ${attacks} refused, 0 links, 0 sessions\n`)
}

describe.each(purposes)('%s', (purpose) => {
  const [provider, other] = providers[purpose]
  const callback = callbackOf(provider)
  const label = (attack: string) => `${purpose}, ${attack}`
  /** Whoever may be made to open an address: nobody, a visitor, somebody else who is signed in, somebody with their own under way. */
  async function victims(): Promise<Visitor[]> {
    const [plain, visitor, signedIn, underWay] = [site.open(), site.open(), await browserFor('connect'), await browserFor(purpose)]
    await visitor.get('/sign-in')
    await begin(underWay, purpose, provider)
    return [plain, visitor, signedIn, underWay]
  }

  test('forged answers, and those of another browser', async () => {
    const mallory = await browserFor(purpose)
    const stolen = await arrive(mallory, purpose, provider)
    const { searchParams } = new URL(stolen, webUrl)
    const [code = '', state = '', iss = ''] = ['code', 'state', 'iss'].map((name) => searchParams.get(name) ?? '')
    const all = await victims()
    await remember()
    for (const victim of all) {
      for (const query of [
        { code, iss },
        { code, iss, state: '' },
        { code, iss, state: 'made-up' },
        { code, iss, state: `${purpose}.${'x'.repeat(43)}` },
        { code, iss, state: `sign-in.${state.split('.')[1]}` },
        { code, iss, state: `${state} ` },
        { iss, state: 'made-up', error: 'access_denied' },
      ])
        if (query.state !== state)
          await refused(label('forged'), victim, () => victim.get(`${callback}?${new URLSearchParams(Object.entries(query))}`))
      await refused(label('of another browser'), victim, () => victim.get(stolen))
    }
    await nothingMade()
    printed(label('forged'), label('of another browser'))
  })

  test('replayed and too late', async () => {
    const visitor = await browserFor(purpose)
    const path = await arrive(visitor, purpose, provider, fresh(purpose, 'first'))
    const first = await visitor.get(path)
    expect(first.status).toBe(303)
    const late = await browserFor(purpose)
    const expired = await arrive(late, purpose, provider)
    await site.accounts.db.query("UPDATE oauth_transactions SET expires_at = now() - interval '1 second'")
    const all = await victims()
    await remember()
    for (const each of [visitor, visitor, ...all]) await refused(label('replayed'), each, () => each.get(path))
    for (const each of [late, late, ...all]) await refused(label('too late'), each, () => each.get(expired))
    await nothingMade()
    printed(label('replayed'), label('too late'))
  })

  test('brought to another provider, or from another', async () => {
    const visitor = await browserFor(purpose)
    const paths = [await arrive(visitor, purpose, provider), await arrive(visitor, purpose, other)]
    await remember()
    const elsewhere = [
      callbackOf(other),
      callback,
      '/connect/brook/callback',
      '/sign-in/cedar/callback',
      '/sign-in/local/callback',
      '/connect/none/callback',
    ]
    for (const [index, path] of paths.entries())
      for (const target of elsewhere.filter((each) => each !== callbackOf([provider, other][index]!)))
        await refused(label('wrong provider'), visitor, () => visitor.get(target + new URL(path, webUrl).search))
    for (const issuer of [
      sims[other]!.issuer,
      `${sims[provider]!.issuer}/`,
      'https://evil.example',
      sims[provider]!.issuer.toUpperCase(),
      '',
    ]) {
      sims[provider]!.lie({ kind: 'wrong-issuer', issuer })
      const path = await arrive(visitor, purpose, provider)
      await refused(label('wrong issuer'), visitor, () => visitor.get(path))
    }
    const path = await arrive(visitor, purpose, provider)
    await refused(label('wrong issuer'), visitor, () => visitor.get(path.replace(/&iss=[^&]*/, '')))
    await nothingMade()
    printed(label('wrong provider'), label('wrong issuer'))
  })

  test('codes used again or of somebody else’s authorisation; PKCE absent, plain, downgraded', async () => {
    const visitor = await browserFor(purpose)
    const done = await arrive(visitor, purpose, provider, fresh(purpose, 'used'))
    const used = new URL(done, webUrl).searchParams.get('code')!
    expect((await visitor.get(done)).status).toBe(303)
    const mallory = await browserFor(purpose)
    const theirs = new URL(await arrive(mallory, purpose, provider), webUrl).searchParams.get('code')!
    const simulator = sims[provider]!
    const counts = simulator.counts()
    // Whoever is signed in by now does not sign in again.
    const next = purpose === 'sign-in' ? site.open() : visitor
    await remember()
    for (const [name, lie] of [
      ['code used again', { kind: 'injected-code', code: used }],
      ['code of another', { kind: 'injected-code', code: theirs }],
      ['code made up', { kind: 'injected-code', code: 'made-up' }],
      ['PKCE cut out', { kind: 'challenge-lost' }],
      ['PKCE made plain', { kind: 'challenge-plain', verifier: 'of-the-attacker-of-the-attacker-of-the-attacker' }],
      ['wrong state', { kind: 'wrong-state' }],
      ['no state', { kind: 'no-state' }],
    ] as const) {
      simulator.lie(lie)
      const path = await arrive(next, purpose, provider)
      await refused(label(name), next, () => next.get(path))
    }
    await nothingMade()
    const now = simulator.counts()
    expect([now.codeReuses - counts.codeReuses, now.downgrades - counts.downgrades]).toEqual([1, 1])
    expect(now.wrongVerifiers - counts.wrongVerifiers).toBe(2)
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const { searchParams } = new URL(await begin(next, purpose, provider))
      expect([searchParams.get('code_challenge_method'), searchParams.get('code_challenge')?.length]).toEqual(['S256', 43])
    }
    printed(
      ...['code used again', 'code of another', 'code made up', 'PKCE cut out', 'PKCE made plain', 'wrong state', 'no state'].map(label),
    )
  })

  test('where a browser comes back to is never the request’s to say', async () => {
    const evil = 'https://evil.example/callback'
    const uri = `${webUrl}${callback}`
    const variants: Parameters<typeof send>[3][] = [
      ...[
        'redirect_uri',
        'redirectUri',
        'redirect_url',
        'callback',
        'callbackURL',
        'callback_url',
        'returnTo',
        'next',
        'url',
        'webUrl',
      ].flatMap((name) => [{ fields: { [name]: evil } }, { query: `?${name}=${encodeURIComponent(evil)}` }]),
      { fields: { 'field-redirect_uri': evil } },
      { fields: { redirect_uri: `${uri}/../../evil` } },
      { fields: { redirect_uri: `${uri}?next=${evil}` } },
      { fields: { redirect_uri: `${uri}#evil` } },
      { headers: { 'x-forwarded-host': 'evil.example' } },
      { headers: { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' } },
      { headers: { forwarded: 'host=evil.example;proto=https' } },
      { headers: { 'x-original-url': evil, 'x-rewrite-url': evil } },
      { headers: { referer: evil } },
      { headers: { 'x-forwarded-prefix': '/evil', 'x-forwarded-port': '666' } },
    ]
    expect(variants).toHaveLength(30)
    const visitor = await browserFor(purpose)
    let held = 0
    for (const variant of variants) {
      const address = new URL(await begin(visitor, purpose, provider, variant))
      expect([address.origin, address.searchParams.getAll('redirect_uri')]).toEqual([sims[provider]!.url, [uri]])
      expect(address.href).not.toContain('evil.example')
      held += 1
    }
    process.stderr.write(`figure 15: ${purpose}, redirect URI: ${held} of ${variants.length} variants made no difference\n`)
  })

  test('two tabs and two providers at once both succeed', async () => {
    const both = await browserFor(purpose)
    const addresses = [await begin(both, purpose, provider), await begin(both, purpose, other)]
    const paths = await Promise.all(
      addresses.map((address, index) => sims[[provider, other][index]!]!.authorize(address, { account: fresh(purpose, 'both') })),
    )
    const tabs = await browserFor(purpose)
    const twice = [await begin(tabs, purpose, provider), await begin(tabs, purpose, provider)]
    const back = await Promise.all(twice.map((address) => sims[provider]!.authorize(address, { account: fresh(purpose, 'tabs') })))
    let succeeded = 0
    for (const [visitor, location] of [
      [both, paths[1]!],
      [both, paths[0]!],
      [tabs, back[1]!],
      [tabs, back[0]!],
    ] as const) {
      const answer = await visitor.get(pathOf(location))
      expect([answer.status, answer.headers.get('location')]).toEqual([
        303,
        expect.stringMatching(/^\/(connect|status|settings\/identities\?done=added)$/),
      ])
      expect(isSignedIn(visitor)).toBe(true)
      succeeded += 1
    }
    process.stderr.write(`figure 15: ${purpose}, two providers and two tabs at once: ${succeeded} of 4 succeeded\n`)
  })
})

describe('sign-in', () => {
  test('50 ways to say where to go afterwards lead nowhere else', async () => {
    const evil = 'evil.example'
    const variants = [
      `//${evil}`,
      `///${evil}`,
      `////${evil}`,
      `/\\${evil}`,
      `\\\\${evil}`,
      `/\\/${evil}`,
      `\\/${evil}`,
      `https://${evil}`,
      `http://${evil}`,
      `https:${evil}`,
      `https:/${evil}`,
      `https:\\\\${evil}`,
      `HTTPS://${evil}`,
      `//${evil}/status`,
      `/status//${evil}`,
      `/status/..//${evil}`,
      `/.//${evil}`,
      `/..//${evil}`,
      `/status/../..//${evil}`,
      `/%2f%2f${evil}`,
      `/%5c${evil}`,
      `%2f%2f${evil}`,
      `/\t/${evil}`,
      `/\n/${evil}`,
      `/\r\n/${evil}`,
      `\t//${evil}`,
      ` //${evil}`,
      `/status\r\nLocation: https://${evil}`,
      `/status%0d%0aLocation:%20https://${evil}`,
      `/\u0000/${evil}`,
      `javascript:alert(1)`,
      `JaVaScRiPt:alert(1)`,
      `data:text/html,<script>alert(1)</script>`,
      `vbscript:x`,
      `file:///etc/passwd`,
      `blob:https://${evil}/x`,
      `//user@${evil}`,
      `https://localhost:3000@${evil}`,
      `https://localhost:3000.${evil}`,
      `//localhost:3000@${evil}`,
      `/@${evil}`,
      `.${evil}`,
      `@${evil}`,
      `?next=https://${evil}`,
      `#https://${evil}`,
      `/sign-out`,
      `/sign-in/cedar/callback?code=x`,
      `/assets/../..//${evil}`,
      `/／${evil}`,
      `/${'a'.repeat(600)}`,
    ]
    expect(new Set(variants).size).toBe(50)
    await walk(site.open(), 'sign-in', 'cedar', sims['cedar']!, { account: 'carol' })
    let held = 0
    for (const returnTo of variants) {
      await site.accounts.db.query('DELETE FROM throttles')
      const visitor = site.open()
      if (returnTo.includes('\u0000')) {
        expect((await send(visitor, 'sign-in', 'cedar', { fields: { returnTo } })).status).toBe(400)
        held += 1
        continue
      }
      const done = await walk(visitor, 'sign-in', 'cedar', sims['cedar']!, { account: 'carol', fields: { returnTo } })
      const location = done.headers.get('location')!
      expect([returnTo, done.status, new URL(location, webUrl).origin]).toEqual([returnTo, 303, webUrl])
      expect([returnTo, location]).toEqual([returnTo, '/status'])
      expect(isSignedIn(visitor)).toBe(true)
      held += 1
    }
    process.stderr.write(`figure 15: sign-in, returnTo: ${held} of ${variants.length} variants led to our own page\n`)
  }, 60_000)

  test('another Host header makes no address, and no answer another’s', async () => {
    const visitor = site.open()
    const path = await arrive(visitor, 'sign-in', 'cedar')
    const thief = site.open()
    await remember()
    for (const host of [
      'evil.example',
      'evil.example:443',
      'localhost:3000',
      'localhost:3000.evil.example',
      `127.0.0.1@evil.example`,
      '[::1]:80',
    ])
      await refused('another Host', thief, () => asHost(host, path, thief))
    await nothingMade()
    const answer = await asHost('evil.example', '/sign-in', visitor)
    expect(await answer.text()).not.toContain('evil.example')
    printed('another Host')
  })

  test('a way out that we did not make for this browser leads nowhere', async () => {
    const visitor = site.open()
    const location = (await send(visitor, 'sign-in', 'cedar')).headers.get('location')!
    const url = new URL(location, webUrl)
    const changed = (name: string, value: string) => {
      const copy = new URL(url)
      copy.searchParams.set(name, value)
      return copy.pathname + copy.search
    }
    const thief = site.open()
    await thief.get('/sign-in')
    await remember()
    await refused('a way out', visitor, () => visitor.get(changed('to', 'https://evil.example/')))
    await refused('a way out', visitor, () => visitor.get(changed('until', String(Date.now() + 1e9))))
    await refused('a way out', visitor, () => visitor.get(changed('signature', '')))
    await refused('a way out', visitor, () => visitor.get(location.replace('/cedar/', '/maple/')))
    await refused('a way out', thief, () => thief.get(location))
    await refused('a way out', site.open(), () => site.open().get(location))
    await nothingMade()
    printed('a way out')
  })

  test('one place can begin so many, then has to wait', async () => {
    const body = { provider: 'cedar', fields: {}, visitor: 'v'.repeat(32), address: '192.0.2.77', returnTo: null }
    const answers = await Promise.allSettled(Array.from({ length: 101 }, () => site.accounts.web.beginSignIn({ body })))
    expect(answers.filter(({ status }) => status === 'rejected')).toHaveLength(1)
    const [row] = await site.accounts.db.query<{ count: number }>(
      'SELECT count(*) FROM oauth_transactions WHERE visitor_hash IS NOT NULL AND expires_at > now()',
    )
    // Of one visitor the oldest give way.
    expect(row!.count).toBeLessThan(60)
  })
})

/** As a browser that came by another name. */
function asHost(host: string, path: string, visitor: Visitor): Promise<Response> {
  const cookie = [...visitor.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  return new Promise((resolve, reject) => {
    const sent = request(site.url + path, { headers: { host, accept: 'text/html', cookie } }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () => {
        const location = answer.headers.location
        resolve(new Response(Buffer.concat(chunks), { status: answer.statusCode, headers: location === undefined ? {} : { location } }))
      })
    })
    sent.on('error', reject)
    sent.end()
  })
}

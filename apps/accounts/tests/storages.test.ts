import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { startDropbox, startGoogleDrive, startWebdav, type DropboxSimulator } from '@asheville/simulators'
import { storageById } from '@asheville/storages'
import { device, kindThrown, startAccounts, type Person, type RunningAccounts } from './start-accounts.ts'

/* Access to a person's own storage, from the day they give it to the day they take it back. */
const callback = 'http://localhost:3000/sign-in/dropbox/callback'
const revocation = '/2/auth/token/revoke'

let dropbox: DropboxSimulator
let accounts: RunningAccounts

async function start(isSignUpOpen = true): Promise<void> {
  const app = { key: 'our-key', secret: 'our-secret', redirectUris: [callback] }
  dropbox = await startDropbox({ app })
  const addresses = Object.fromEntries(['API', 'CONTENT', 'NOTIFY', 'WEB'].map((part) => [`DROPBOX_${part}_URL`, dropbox.url]))
  const variables = { DROPBOX_CLIENT_ID: app.key, DROPBOX_CLIENT_SECRET: app.secret, ...addresses }
  accounts = await startAccounts({ storages: [storageById('dropbox')!], variables, isSignUpOpen })
}
beforeEach(() => start())
afterEach(async () => {
  await accounts.close()
  await dropbox.close()
})

const answerOf = async (address: string) => Object.fromEntries(new URL(await dropbox.authorize(address)).searchParams)

async function connect({ user, session }: Person) {
  const sessionId = session.id
  const step = await accounts.web.beginConnect({
    userId: user.id,
    body: { provider: 'dropbox', fields: {}, sessionId, reconnects: null },
  })
  if (step.next !== 'authorize') throw new Error('connected at once')
  const body = { provider: 'dropbox', sessionId, callback: await answerOf(step.url) }
  return (await accounts.web.finishConnect({ userId: user.id, body })).connection
}

async function signIn() {
  const visitor = randomBytes(32).toString('base64url')
  const { url } = await accounts.web.beginSignIn({
    body: { provider: 'dropbox', fields: {}, visitor, address: '127.0.0.1', returnTo: null },
  })
  const body = { provider: 'dropbox', visitor, callback: await answerOf(url), device, locale: 'en' }
  return accounts.web.finishSignIn({ body })
}

const access = ({ user }: Pick<Person, 'user'>, connectionId: string) =>
  accounts.platform.getAccess({ userId: user.id, params: { connectionId }, body: { rejected: null } })

async function isAccepted(token: string): Promise<boolean> {
  const response = await fetch(`${dropbox.url}/2/check/user`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: '{"query":"still?"}',
  })
  await response.body?.cancel()
  return response.ok
}

/** As if the hours of a token had gone by. */
async function letTokensEnd(): Promise<void> {
  dropbox.expireTokens()
  await accounts.db.query("UPDATE credentials SET expires_at = now() - interval '1 second' WHERE field = 'access_token'")
}

test('renewed in the body of our own request; disconnected, it is worth nothing at Dropbox, even if it had to be renewed for that', async () => {
  const alice = await accounts.signUp()
  const { id } = await connect(alice)
  const first = (await access(alice, id)).accessToken!
  await letTokensEnd()
  const second = (await access(alice, id)).accessToken!
  expect([await isAccepted(first), await isAccepted(second)]).toEqual([false, true])
  await letTokensEnd()
  await accounts.web.removeConnection({ userId: alice.user.id, params: { connectionId: id } })
  expect(dropbox.counters.of(revocation)).toBe(1)
  expect(dropbox.counters.snapshot().other).toMatchObject({ refreshes: 2 })
  const asked = dropbox.log.entries().filter(({ route }) => route === 'POST /oauth2/token')
  expect(asked.map(({ path }) => path)).toEqual(['/oauth2/token', '/oauth2/token', '/oauth2/token'])
  expect(await accounts.db.query('SELECT FROM credentials WHERE user_id = $1', [alice.user.id])).toEqual([])
  expect(dropbox.liveGrants()).toBe(0)
})

test('erased with the account, although the answer to that was lost', async () => {
  const { session, isNew } = await signIn()
  const { user } = session
  const [storage] = (await accounts.web.listConnections({ userId: user.id, query: { kind: 'storage' } })).connections
  const { accessToken } = await access({ user }, storage!.id)
  expect([isNew, await isAccepted(accessToken!)]).toEqual([true, true])

  dropbox.faults.add({ kind: 'reply-lost', route: revocation, next: 1 })
  const linkToken = randomBytes(32).toString('base64url')
  await accounts.web.closeAccount({ userId: user.id, body: { current: null, sessionId: session.id, linkToken, removesFiles: false } })
  const closing = () => accounts.web.findClosing({ body: { linkToken } })
  while ((await closing()).step !== 'forget') await delay(50)
  const { messages } = await accounts.conductor.claimOutbox({ body: { limit: 100 } })
  await accounts.conductor.acknowledgeOutbox({ body: { ids: messages.map(({ id }) => id) } })
  await accounts.conductor.noteForgotten({ userId: user.id, body: { items: 0, pages: 0, media: 0, others: 0, jobs: 0 } })
  while ((await closing()).step !== 'done') await delay(50)
  expect((await closing()).grants).toMatchObject([{ provider: 'dropbox', outcome: 'revoked', tries: 2 }])
  expect(dropbox.counters.of(revocation)).toBe(2)
  expect([await isAccepted(accessToken!), dropbox.liveGrants()]).toEqual([false, 0])
})

test('given back at once where nothing was made of it', async () => {
  await accounts.close()
  await dropbox.close()
  await start(false)
  await accounts.signUp()
  expect(await kindThrown(signIn())).toBe('forbidden')
  expect([dropbox.counters.of(revocation), dropbox.liveGrants()]).toEqual([1, 0])
})

test('somebody else’s Dropbox is refused, and stays theirs', async () => {
  const alice = await accounts.signUp(`${randomUUID()}@example.org`)
  const { id } = await connect(alice)
  expect(await kindThrown(connect(await accounts.signUp()))).toBe('conflict')
  expect(await isAccepted((await access(alice, id)).accessToken!)).toBe(true)
})

test('a Nextcloud: allowed in the browser, by whom it was begun alone, and withdrawn when it is disconnected', async () => {
  const nextcloud = await startWebdav({ nextcloud: true })
  try {
    await accounts.close()
    accounts = await startAccounts({ storages: [storageById('webdav')!], isSignUpOpen: true })
    const [alice, bob] = [await accounts.signUp(), await accounts.signUp()]
    const provider = 'webdav'
    const fields = { address: nextcloud.url, user: '', password: '', folder: '' }
    const body = { provider, fields, sessionId: alice.session.id, reconnects: null }
    const begun = await accounts.web.beginConnect({ userId: alice.user.id, body })
    if (begun.next !== 'approve') throw new Error('connected at once')
    const { approval, url } = begun
    const finish = ({ user, session }: Person) =>
      accounts.web.finishApproval({ userId: user.id, body: { provider, sessionId: session.id, approval } })
    expect(await finish(alice)).toEqual({ next: 'wait', url })
    const { name, password } = nextcloud.account()
    await fetch(url, { method: 'POST', body: new URLSearchParams({ user: name, password, decision: 'allow' }) })
    expect(await kindThrown(finish(bob))).toBe('forbidden')
    const done = await finish(alice)
    if (done.next !== 'connected') throw new Error('not connected')
    expect(await kindThrown(finish(alice))).toBe('forbidden')
    const { id } = done.connection
    const kept = await accounts.db.query<{ sealed: Buffer }>('SELECT sealed FROM credentials WHERE user_id = $1', [alice.user.id])
    expect(kept).toHaveLength(1)
    const { accessToken } = await access(alice, id)
    const isAccepted = async () => {
      const authorization = `Basic ${Buffer.from(accessToken!).toString('base64')}`
      return (await fetch(`${nextcloud.url}/remote.php/dav/files/alice/`, { method: 'OPTIONS', headers: { authorization } })).ok
    }
    expect([accessToken?.startsWith('alice:'), accessToken === `alice:${password}`, await isAccepted()]).toEqual([true, false, true])
    await accounts.web.removeConnection({ userId: alice.user.id, params: { connectionId: id } })
    expect(await isAccepted()).toBe(false)
  } finally {
    await nextcloud.close()
  }
})

test('Google Drive: signed in with, renewed, and all of it given back when it is disconnected', async () => {
  const google = await startGoogleDrive({ app: { redirectUris: ['http://localhost:3000/sign-in/google-drive/callback'] } })
  try {
    await accounts.close()
    const addresses = Object.fromEntries(['API', 'OAUTH', 'WEB'].map((part) => [`GOOGLE_DRIVE_${part}_URL`, google.url]))
    const { clientId, clientSecret } = google.app
    const variables = { GOOGLE_DRIVE_CLIENT_ID: clientId, GOOGLE_DRIVE_CLIENT_SECRET: clientSecret, ...addresses }
    accounts = await startAccounts({ storages: [storageById('google-drive')!], variables, isSignUpOpen: true })
    const provider = 'google-drive'
    const visitor = randomBytes(32).toString('base64url')
    const begun = await accounts.web.beginSignIn({ body: { provider, fields: {}, visitor, address: '127.0.0.1', returnTo: null } })
    const back = new URL(await google.authorize(begun.url))
    const callbackOf = Object.fromEntries(back.searchParams)
    const { session } = await accounts.web.finishSignIn({ body: { provider, visitor, callback: callbackOf, device, locale: 'en' } })
    const { user } = session
    const [storage] = (await accounts.web.listConnections({ userId: user.id, query: { kind: 'storage' } })).connections
    expect(storage).toMatchObject({ accountId: google.account().id, handle: google.account().email })
    const first = (await access({ user }, storage!.id)).accessToken
    await accounts.db.query("UPDATE credentials SET expires_at = now() - interval '1 second' WHERE field = 'access_token'")
    expect((await access({ user }, storage!.id)).accessToken).not.toBe(first)
    expect([google.liveGrants(), google.counters.snapshot().other]).toMatchObject([1, { refreshes: 1 }])
    await accounts.web.removeConnection({ userId: user.id, params: { connectionId: storage!.id } })
    expect(google.liveGrants()).toBe(0)
    expect(google.counters.snapshot().other).not.toHaveProperty('tokensInAddresses')
  } finally {
    await google.close()
  }
})

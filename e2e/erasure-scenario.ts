import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Closing, Connection } from '@asheville/clients'
import { startMastodon, type MastodonSimulator } from '@asheville/simulators'
import { Redis } from 'ioredis'
import { redisKeys, tables } from './canaries/places.ts'
import type { Place } from './canaries/scan.ts'
import { createSupervisor, type Supervisor } from './harness/index.ts'
import { connectOAuth, startInstance, type Instance } from './instance.ts'

export interface ErasureScenario {
  /** People who close their accounts, one after the other: how many processes are killed on the way of each. */
  kills: readonly number[]
  seed: string
  /** Statuses of each of the two accounts. */
  items: number
}

export interface ErasureOutcome {
  closing: Closing
  /** Who was killed, and when, in ms since the person confirmed. */
  struck: { name: string; atMs: number }[]
  doneMs: number
  /** By simulated server. */
  revocations: number[]
  deadTokens: number
  /** Requests to the networks, but for those that give access back, later than ten seconds after the person confirmed. */
  latePulls: number
  /** The last request and the last write before that, in ms since the person confirmed. */
  lastPullMs: number
  lastWriteMs: number
  /** Files of the person that were written later than ten seconds after. */
  lateWrites: number
  filesKept: number
  /** Where what is known of the person was found afterwards. */
  hits: string[]
  scanned: { columns: number; redisKeys: number; logBytes: number; appendOnlyFile: string }
  /** Lines of logs that name the person's random id, which is allowed. */
  logLinesWithId: number
  /** Another person's account, untouched. */
  othersSession: boolean
}

const graceMs = 10_000
const among = ['accounts', 'workers', 'conductor', 'redis', 'platform']
const login = { password: 'a calm blue ridge' }
const device = { userAgent: 'e2e', address: '127.0.0.1' }

/** People with two connections each close their accounts while a sync runs, and processes are killed on the way. */
export async function runErasure({ kills, seed, items }: ErasureScenario): Promise<ErasureOutcome[]> {
  const servers = await Promise.all(
    ['alice', 'bella'].map((account) =>
      startMastodon({ accounts: [account], rateLimit: null, pictureSize: { width: 16, height: 16 }, latencyMs: 120 }),
    ),
  )
  servers.forEach((server, index) => server.generate({ account: ['alice', 'bella'][index]!, seed, statuses: items, pictures: 20 }))
  const instance = await startInstance(
    servers.map(({ url }) => url),
    { SIGN_UP_OPEN: 'true' },
  )
  try {
    const outcomes: ErasureOutcome[] = []
    for (const number of kills) outcomes.push(await erase(instance, servers, { kills: number, seed }))
    return outcomes
  } finally {
    await instance.close()
    await Promise.all(servers.map((server) => server.close()))
  }
}

async function signUp({ accounts }: Instance, email: string) {
  const { id } = await accounts('web').createUser({ body: { name: `Canary ${email}`, locale: 'en', email, ...login } })
  const { session, token } = await accounts('web').createSession({ body: { email, ...login, device } })
  return { userId: id, sessionId: session.id, token }
}

async function erase(
  instance: Instance,
  servers: readonly MastodonSimulator[],
  { kills, seed }: { kills: number; seed: string },
): Promise<ErasureOutcome> {
  const { accounts } = instance
  const web = accounts('web')
  const revokedBefore = servers.map(({ counters }) => counters.of('POST /oauth/revoke'))
  const other = await signUp(instance, `other-${randomUUID()}@example.org`)
  const email = `canary-${randomUUID()}@example.org`
  const person = await signUp(instance, email)
  const { userId } = person
  const connections: Connection[] = []
  for (const server of servers)
    connections.push(await connectOAuth(instance, person, 'mastodon', { server: server.url }, (address) => server.authorize(address)))
  const tokens: string[] = []
  for (const { id } of connections) {
    const body = { rejected: null }
    tokens.push((await accounts('workers').getAccess({ userId, params: { connectionId: id }, body })).accessToken!)
  }
  const { connections: storages } = await web.listConnections({ userId, query: { kind: 'storage' } })
  const folder = join(instance.files, userId, 'Asheville')

  await instance.conductor('web').createSync({ userId, body: { trigger: 'person', connectionIds: null } })
  // In its midst: items of both are stored.
  const isStored = async (): Promise<boolean> => {
    const { counts } = await instance.platform('web').getCounts({ userId })
    return connections.every(({ id }) => counts.some(({ connectionId, items }) => connectionId === id && items >= 100))
  }
  while (!(await isStored())) await sleep(50)

  const linkToken = randomBytes(32).toString('base64url')
  const body = { current: login.password, sessionId: person.sessionId, linkToken, removesFiles: false }
  const supervisor = createSupervisor(() => instance.constellation)
  const ended = new AbortController()
  await web.closeAccount({ userId, body })
  const confirmed = Date.now()
  const striking = strike(supervisor, { kills, seed, confirmed, signal: ended.signal })
  striking.catch(() => undefined)

  let kept: Map<string, number> | null = null
  let closing: Closing | null = null
  while (closing?.step !== 'done') {
    if (Date.now() - confirmed > 300_000) throw new Error(`The account is not closed after 5 minutes: ${JSON.stringify(closing)}`)
    if (!kept && Date.now() - confirmed >= graceMs) kept = await filesOf(folder)
    closing = await web.findClosing({ body: { linkToken } }).catch(() => closing)
    await sleep(100)
  }
  const doneMs = Date.now() - confirmed
  ended.abort()
  const struck = await striking
  await supervisor.untilReady()
  // Whoever was slow shows now; and what was left of the ten seconds is over.
  await sleep(Math.max(3000, graceMs - (Date.now() - confirmed)))
  kept ??= await filesOf(folder)
  await sleep(3000)
  const files = await filesOf(folder)

  const pulls = servers.flatMap((server) =>
    server.log
      .entries()
      .filter(({ route }) => !route.startsWith('POST /oauth'))
      .map(({ at }) => Date.parse(at) - confirmed),
  )
  const writes = [...files.values()].map((at) => at - confirmed)
  const alive = await Promise.all(servers.map((server, index) => isAccepted(server, tokens[index]!)))
  const scanned = await scan(instance, {
    'the id of the person': userId,
    'their e-mail address': email,
    'their name': `Canary ${email}`,
    'their session': person.sessionId,
    'their session token': person.token,
    'the access token at the first': tokens[0]!,
    'the access token at the second': tokens[1]!,
    'the id of the first connection': connections[0]!.id,
    'the id of the second connection': connections[1]!.id,
    'the id of the storage': storages[0]!.id,
    'the link to the report': linkToken,
  })
  return {
    closing,
    struck,
    doneMs,
    revocations: servers.map(({ counters }, index) => counters.of('POST /oauth/revoke') - revokedBefore[index]!),
    deadTokens: alive.filter((accepted) => !accepted).length,
    latePulls: pulls.filter((at) => at > graceMs).length,
    lastPullMs: Math.max(...pulls),
    lastWriteMs: Math.round(Math.max(...writes)),
    lateWrites: writes.filter((at) => at > graceMs).length + [...kept.keys()].filter((path) => !files.has(path)).length,
    filesKept: files.size,
    ...scanned,
    othersSession: await web.checkSession({ body: { token: other.token } }).then(
      ({ user }) => user.id === other.userId,
      () => false,
    ),
  }
}

/** Kills one process after the other, in an order made from the seed, each when it is up, until all are struck or it is over. */
async function strike(
  supervisor: Supervisor,
  { kills, seed, confirmed, signal }: { kills: number; seed: string; confirmed: number; signal: AbortSignal },
): Promise<{ name: string; atMs: number }[]> {
  const struck: { name: string; atMs: number }[] = []
  const isOver = (): boolean => signal.aborted
  for (let number = 0; number < kills; number += 1) {
    const dice = createHash('sha256').update(`${seed} ${number}`).digest()
    const name = number < among.length ? among[number]! : among[dice[0]! % among.length]!
    await sleep(50 + dice[1]! * 2)
    while (!supervisor.isReady(name) && !isOver()) await sleep(10)
    if (isOver()) break
    struck.push({ name, atMs: Date.now() - confirmed })
    await supervisor.kill(name)
  }
  return struck
}

/** Every file of the person, with when it was last written. */
async function filesOf(folder: string): Promise<Map<string, number>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = new Map<string, number>()
  for (const entry of entries) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const stats = await lstat(path).catch(() => null)
    if (stats) files.set(path, Math.max(stats.mtimeMs, stats.ctimeMs))
  }
  return files
}

async function isAccepted(server: MastodonSimulator, token: string): Promise<boolean> {
  const response = await fetch(`${server.url}/api/v1/accounts/verify_credentials`, { headers: { authorization: `Bearer ${token}` } })
  await response.body?.cancel()
  return response.ok
}

async function scan(
  { constellation }: Instance,
  known: Record<string, string>,
): Promise<Pick<ErasureOutcome, 'hits' | 'scanned' | 'logLinesWithId'>> {
  const hits: string[] = []
  const { dataDir, databaseUrl, redisUrl } = constellation
  const look = ({ name, bytes }: Place, isLog = false): void => {
    const all = Buffer.concat([Buffer.from(name), Buffer.from('\n'), bytes])
    for (const [what, text] of Object.entries(known)) {
      // Ids are random: that a log has them tells nobody anything once all else is gone.
      if (isLog && what.includes(' id of ')) continue
      if (isLog && what === 'their session') continue
      if (all.includes(text) || all.includes(Buffer.from(text).toString('hex'))) hits.push(`${what} in ${name}`)
    }
  }
  let [columns, keys, logBytes, logLinesWithId] = [0, 0, 0, 0]
  for await (const place of tables(databaseUrl)) {
    columns += 1
    look(place)
  }
  for await (const place of redisKeys(redisUrl)) {
    keys += 1
    look(place)
  }
  const appendOnlyFile = await rewritten(redisUrl)
  for (const [folder, isLog] of [
    ['logs', true],
    ['redis', false],
    ['scratch', false],
  ] as const) {
    for (const entry of await readdir(join(dataDir, folder), { recursive: true, withFileTypes: true }).catch(() => [])) {
      if (!entry.isFile()) continue
      const bytes = await readFile(join(entry.parentPath, entry.name)).catch(() => Buffer.alloc(0))
      look({ name: `${folder}/${entry.name}`, bytes }, isLog)
      if (!isLog) continue
      logBytes += bytes.length
      logLinesWithId += bytes
        .toString()
        .split('\n')
        .filter((line) => line.includes(known['the id of the person']!)).length
    }
  }
  return { hits, logLinesWithId, scanned: { columns, redisKeys: keys, logBytes, appendOnlyFile } }
}

/** Has Redis write its append-only file anew, where it keeps one; says what was done. */
async function rewritten(url: string): Promise<string> {
  const redis = new Redis(url, { maxRetriesPerRequest: 1 })
  try {
    const [, isOn] = (await redis.config('GET', 'appendonly')) as string[]
    if (isOn !== 'yes') return 'none is kept'
    await redis.bgrewriteaof()
    while (/aof_rewrite_in_progress:1|aof_rewrite_scheduled:1/.test(await redis.info('persistence'))) await sleep(100)
    return 'written anew'
  } finally {
    redis.disconnect()
  }
}

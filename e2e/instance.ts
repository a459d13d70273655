import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import {
  accountsRoutes,
  conductorRoutes,
  createClient,
  platformRoutes,
  type Client,
  type Connection,
  type NetworkStatus,
} from '@asheville/clients'
import type { AS2Object, ServiceName } from '@asheville/core'
import { networks } from '@asheville/networks'
import { startConstellation, type Constellation, type ConstellationOptions } from '@asheville/scripts'
import { createSigner } from '@asheville/service'

type As<Routes extends Parameters<typeof createClient>[0]> = (caller: ServiceName) => Client<Routes>

/** The five services on this machine, with ways in that need no browser: typed clients that sign as any service. */
export interface Instance {
  constellation: Constellation
  /** Where people's folders are: `<files>/<user id>/Asheville`. */
  files: string
  accounts: As<typeof accountsRoutes>
  conductor: As<typeof conductorRoutes>
  platform: As<typeof platformRoutes>
  /** Stops it and starts it anew on the same data. */
  restart(): Promise<void>
  close(): Promise<void>
}

/** `reach`: addresses of simulators and peers that the guarded client may reach. */
export async function startInstance(reach: readonly string[], env: ConstellationOptions['env'] = {}): Promise<Instance> {
  const dataDir = await mkdtemp(join(tmpdir(), 'asheville-e2e-'))
  const allow = reach.map((address) => new URL(address).host).join(',')
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env
  // Simulators bound nothing unless a test wants it, and are asked for more at once than a network would be.
  const unbounded = networks.map(({ id }) => `${id}:0`).join(',')
  const inherited = { PATH, HOME, NODE_COMPILE_CACHE, NODE_ENV: 'test', LOG_LEVEL: 'info', REQUEST_BUDGETS: unbounded }
  const lines: string[] = []
  const start = (port: number) =>
    startConstellation({ env: { ...inherited, OUTBOUND_ALLOW: allow, ...env }, dataDir, port, onLine: (line) => lines.push(line) })
  let constellation = await start(0)

  function client<Routes extends Parameters<typeof createClient>[0]>(service: ServiceName, routes: Routes): As<Routes> {
    return (caller) => {
      const own = constellation.env[caller]
      const sign = createSigner({ issuer: caller, privateKey: own['SERVICE_PRIVATE_KEY']! })
      return createClient(routes, { service, baseUrl: `http://127.0.0.1:${constellation.env[service]['PORT']}`, sign })
    }
  }

  return {
    get constellation() {
      return constellation
    },
    files: join(dataDir, 'files'),
    accounts: client('accounts', accountsRoutes),
    conductor: client('conductor', conductorRoutes),
    platform: client('platform', platformRoutes),
    async restart() {
      const { port } = constellation
      await constellation.close()
      constellation = await start(port)
    },
    async close() {
      await constellation.close()
      if (process.env['KEEP_INSTANCE']) process.stderr.write(`kept: ${dataDir}\n${lines.join('\n')}\n`)
      else await rm(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    },
  }
}

/** Signs the owner up; answers the person's id, and a session to connect with and its token. */
export async function signUp({ accounts }: Instance): Promise<{ userId: string; sessionId: string; token: string }> {
  const web = accounts('web')
  const login = { email: 'ann@example.org', password: 'a calm blue ridge' }
  const { id } = await web.createUser({ body: { name: 'Ann', locale: 'en', ...login } })
  const { session, token } = await web.createSession({ body: { ...login, device: { userAgent: 'e2e', address: '127.0.0.1' } } })
  return { userId: id, sessionId: session.id, token }
}

/** Connects by fields alone (a feed, Bluesky). */
export async function connect(
  instance: Instance,
  person: { userId: string; sessionId: string },
  provider: string,
  fields: Record<string, string>,
): Promise<Connection> {
  const body = { provider, fields, sessionId: person.sessionId, reconnects: null }
  const step = await instance.accounts('web').beginConnect({ userId: person.userId, body })
  if (step.next !== 'connected') throw new Error(`${provider} wants a browser`)
  return step.connection
}

/** Connects by OAuth; `authorize` does what the person does at the network and answers where they are sent back to. */
export async function connectOAuth(
  instance: Instance,
  person: { userId: string; sessionId: string },
  provider: string,
  fields: Record<string, string>,
  authorize: (address: string) => Promise<string>,
): Promise<Connection> {
  const web = instance.accounts('web')
  const step = await web.beginConnect({ userId: person.userId, body: { provider, fields, sessionId: person.sessionId, reconnects: null } })
  if (step.next !== 'authorize') throw new Error(`${provider} wants no browser`)
  const back = new URL(await authorize(step.url))
  const callback = Object.fromEntries(back.searchParams)
  return (await web.finishConnect({ userId: person.userId, body: { provider, sessionId: person.sessionId, callback } })).connection
}

/** Starts a sync (or joins the one that runs) and waits until it has ended; answers its state and how long it took, in ms. */
export async function syncNow(
  instance: Instance,
  userId: string,
  { timeoutMs = 120_000, whileRunning = async () => {} }: { timeoutMs?: number; whileRunning?: () => Promise<void> } = {},
): Promise<{ state: string; ms: number; tally: Record<string, number> }> {
  const started = performance.now()
  const { sync } = await instance.conductor('web').createSync({ userId, body: { trigger: 'person', connectionIds: null } })
  for (;;) {
    const found = await instance
      .accounts('web')
      .getSync({ userId, params: { syncId: sync.id } })
      .catch(() => null)
    const ms = performance.now() - started
    if (found && found.state !== 'running') return { state: found.state, ms, tally: found.tally }
    if (ms > timeoutMs) throw new Error(`The sync has not ended within ${timeoutMs} ms`)
    await whileRunning()
    // The longer it takes, the less often: being asked is work too, and what is measured shall not be that.
    await wait(Math.min(500, Math.max(50, ms / 10)))
  }
}

/** What the person's status page would be told. */
export async function statusOf(instance: Instance, userId: string): Promise<NetworkStatus[]> {
  return (await instance.conductor('web').getStatus({ userId })).networks
}

/** Every file of the person's folder, by path; not what is just being written, which may be gone a moment later. */
export async function storedFiles(instance: Instance, userId: string): Promise<Map<string, Buffer>> {
  const folder = join(instance.files, userId, 'Asheville')
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = new Map<string, Buffer>()
  for (const entry of entries) {
    if (!entry.isFile() || basename(entry.parentPath) === '.incoming') continue
    const path = join(entry.parentPath, entry.name)
    files.set(path.slice(folder.length + 1), await readFile(path))
  }
  return files
}

/** The same, once what is written at a sync's end is there too: that comes shortly after the sync is said to be done. */
export async function finishedFiles(instance: Instance, userId: string): Promise<Map<string, Buffer>> {
  for (const until = Date.now() + 15_000; ; await wait(100)) {
    const files = await storedFiles(instance, userId)
    const isFinished =
      files.has('asheville.json') && files.has('README.txt') && [...files.keys()].some((path) => path.endsWith('/profile.json'))
    if (isFinished || Date.now() > until) return files
  }
}

/** The items of the page files among them, each with where it lies. */
export function storedItems(files: ReadonlyMap<string, Buffer>): { path: string; object: AS2Object }[] {
  return [...files].flatMap(([path, bytes]) => {
    if (!/\/(\d{4}-\d{2}|undated)(\.\d+)?\.json$/.test(path)) return []
    const page = JSON.parse(bytes.toString()) as { orderedItems: AS2Object[] }
    return page.orderedItems.map((object) => ({ path, object }))
  })
}

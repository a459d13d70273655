import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { startDropbox, type DropboxOptions, type DropboxSimulator } from '@asheville/simulators'
import { privatePort } from '../scripts/embedded/ports.ts'
import { connect, signUp, type Instance } from './instance.ts'
import { startApache } from './peers/webdav/start-apache.ts'

/** Where copies go, as far as figures need to know it. */
export interface StorageSide {
  /** Settings by which the services reach it. */
  readonly env: Readonly<Record<string, string>>
  /** Addresses that must be reachable for that. */
  readonly reach: readonly string[]
  /** Makes the one whose storage it is. */
  signIn(instance: Instance): Promise<Person>
  /** How many calls it has had so far. */
  calls(instance: Instance): Promise<number>
  /** Does something with a folder of what is in the storage. */
  withFolder<T>(instance: Instance, person: Person, work: (folder: string) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** `token`: what their browser has in its cookie. */
export type Person = { userId: string; sessionId: string; token: string }

/** Where browsers would be sent back to; nobody opens one here. */
export const webUrl = 'http://localhost:3000'

/** This server's disk. A put of several files counts as often as the storage commits. */
export const disk: StorageSide = {
  env: {},
  reach: [],
  signIn: signUp,
  async calls({ constellation }) {
    const response = await fetch(`http://127.0.0.1:${constellation.env.platform['PORT']}/metrics`)
    if (!response.ok) throw new Error(`platform's metrics answered ${response.status}`)
    const samples = (await response.text()).matchAll(/^asheville_storage_calls_total\{[^}]*\} (\d+)$/gm)
    return [...samples].reduce((sum, [, value]) => sum + Number(value), 0)
  },
  withFolder: (instance, { userId }, work) => work(join(instance.files, userId, 'Asheville')),
  close: async () => undefined,
}

/** Dropbox, by which somebody signs in. Its calls are those that it had. */
export async function startDropboxSide(options: DropboxOptions = {}): Promise<StorageSide & { simulator: DropboxSimulator }> {
  const app = { key: 'asheville-app', secret: 'asheville-secret', redirectUris: [`${webUrl}/sign-in/dropbox/callback`] }
  const simulator = await startDropbox({ accounts: ['alice'], app, ...options })
  const { url } = simulator
  return {
    simulator,
    env: {
      DROPBOX_CLIENT_ID: app.key,
      DROPBOX_CLIENT_SECRET: app.secret,
      ...Object.fromEntries(['API', 'CONTENT', 'NOTIFY', 'WEB'].map((part) => [`DROPBOX_${part}_URL`, url])),
    },
    reach: [url],
    async signIn({ accounts }) {
      const web = accounts('web')
      const visitor = randomBytes(32).toString('base64url')
      const begun = await web.beginSignIn({ body: { provider: 'dropbox', fields: {}, visitor, address: '127.0.0.1', returnTo: null } })
      const callback = Object.fromEntries(new URL(await simulator.authorize(begun.url)).searchParams)
      const device = { userAgent: 'e2e', address: '127.0.0.1' }
      const { session, token } = await web.finishSignIn({ body: { provider: 'dropbox', visitor, callback, device, locale: 'en' } })
      return { userId: session.user.id, sessionId: session.id, token }
    },
    calls: () => Promise.resolve(simulator.counters.of(' /2/')),
    /** As it would come down to the person's own machine. */
    async withFolder(_instance, _person, work) {
      const folder = await mkdtemp(join(tmpdir(), 'asheville-dropbox-'))
      try {
        for (const { path } of simulator.truth()['alice']!.files) {
          const file = join(folder, path)
          await mkdir(dirname(file), { recursive: true })
          await writeFile(file, simulator.read(path))
        }
        return await work(folder)
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
    close: () => simulator.close(),
  }
}

/** A folder at Apache's mod_dav, which takes root and Debian's `apache2-bin`; nothing goes to the disk. Its calls are the requests that it had. */
export async function startApacheSide() {
  const files = await mkdtemp(join(tmpdir(), 'asheville-files-'))
  const server = await startApache(files, await privatePort(files))
  const { url, password } = server
  const side: StorageSide = {
    env: {},
    reach: [url],
    async signIn(instance) {
      const person = await signUp(instance)
      const { userId } = person
      const web = instance.accounts('web')
      await connect(instance, person, 'webdav', { address: url, user: 'alice', password, folder: 'Asheville' })
      const { connections } = await web.listConnections({ userId, query: { kind: 'storage' } })
      const { id: connectionId } = connections.find(({ provider }) => provider === 'local')!
      await web.removeConnection({ userId, params: { connectionId } })
      return person
    },
    calls: () => server.requests(),
    withFolder: (_instance, _person, work) => work(join(files, 'Asheville')),
    async close() {
      await server.close()
      await rm(files, { recursive: true, force: true })
    },
  }
  return { ...side, server }
}

import { join } from 'node:path'
import { basicOf, createRandom, createSimulator, keepFiles, type Answer, type Call, type Handler, type Simulator } from '../kit/index.ts'
import { isChunkName, joinChunks } from './chunks.ts'
import { createLoginFlow } from './login-flow.ts'
import { createMethods } from './methods.ts'
import { pathIn, type Space } from './space.ts'
import { createTree, nameOf } from './tree.ts'
import type { Account, WebdavOptions, WebdavTruth } from './types.ts'

export type { TrueFile as WebdavTrueFile, WebdavAccountTruth, WebdavOptions, WebdavTruth } from './types.ts'

export type WebdavSimulator = Omit<Simulator, 'truth'> & Doors & { truth(): WebdavTruth }
type Doors = Awaited<ReturnType<typeof createDoors>>

/**
 * Starts a server that speaks WebDAV (RFC 4918, classes 1 and 3) over plain HTTP, with Basic authentication: an account's files are below
 * `/dav/`, or below `/remote.php/dav/files/<account>/` when it is to be a Nextcloud. Which of the liberties that servers take it takes, the options say.
 */
export async function startWebdav(options: WebdavOptions = {}): Promise<WebdavSimulator> {
  const now = options.now ?? Date.now
  const doors = await createDoors(options, now)
  const { places, placeOf, isLocked } = doors
  const isNextcloud = options.nextcloud ?? false
  const other: { count(name: string): void } = { count: () => undefined }
  const methods = createMethods({
    heedsConditions: options.heedsConditions ?? true,
    putsWhole: options.putsWhole ?? true,
    davExtra: options.davExtra ?? null,
    tellsEtagOfPut: options.tellsEtagOfPut ?? false,
    weakSeconds: options.weakSeconds ?? 0,
    nextcloud: isNextcloud,
    now,
    isLocked,
    count: (name) => other.count(name),
  })
  const flow = createLoginFlow({
    accounts: places.map(({ account }) => account),
    makePassword: doors.makePassword,
    token: doors.token,
    now,
  })

  const unauthorized = (): Answer => ({
    status: 401,
    text: 'Unauthorized',
    headers: { 'www-authenticate': isNextcloud ? 'Basic realm="Nextcloud", charset="UTF-8"' : 'Basic realm="files"' },
  })
  type Act = (space: Space, call: Call, path: string) => Answer | Promise<Answer>
  const inSpace =
    (spaceOf: (account: string) => Space, act: Act): Handler =>
    (call) => {
      const place = placeOf(basicOf(call))
      if (!place) return unauthorized()
      const space = spaceOf(place.account.name)
      const path = pathIn(space, call.path)
      return path === null ? { status: isNextcloud ? 404 : 403, text: 'Forbidden' } : act(space, call, path)
    }

  const spaces = (account: string) => places.find((place) => place.account.name === account)!
  const filesOf = (account: string): Space => spaces(account).files
  const uploadsOf = (account: string): Space => spaces(account).uploads

  const simulator = await createSimulator(
    {
      name: 'webdav',
      rateLimited: () => ({ status: 429, text: 'Too Many Requests' }),
      serverError: (status) => ({ status, html: `<!DOCTYPE HTML><html><body><h1>${status} Service Unavailable</h1></body></html>` }),
      unauthorized,
      notFound: () => ({ status: 404, html: '<h1>404 Not Found</h1>' }),
      takesStream: (routeKey) => routeKey.startsWith('PUT '),
      truth: doors.truth,
      script: doors.script,
    },
    (add) => {
      const roots = isNextcloud ? ['/remote.php/dav/files', '/remote.php/webdav'] : ['/dav']
      for (const root of roots)
        for (const pattern of [root, `${root}/*`]) {
          const serve = (method: string, act: Act) => add(method, pattern, inSpace(filesOf, act))
          serve('OPTIONS', methods.options)
          serve('GET', methods.get)
          serve('PUT', methods.put)
          serve('DELETE', methods.remove)
          serve('MKCOL', methods.makeFolder)
          serve('MOVE', methods.move)
          serve('PROPFIND', methods.propfind)
        }
      if (isNextcloud) addNextcloud(add)
    },
    options,
  )
  other.count = (name) => simulator.counters.add(name)

  function addNextcloud(add: (method: string, pattern: string, handler: Handler) => void): void {
    const uploads = '/remote.php/dav/uploads/*'
    add('MKCOL', uploads, inSpace(uploadsOf, methods.makeFolder))
    add('DELETE', uploads, inSpace(uploadsOf, methods.remove))
    add('PROPFIND', uploads, inSpace(uploadsOf, methods.propfind))
    add(
      'PUT',
      uploads,
      inSpace(uploadsOf, (space, call, path) =>
        isChunkName(nameOf(path)) ? methods.put(space, call, path) : { status: 400, text: 'Invalid chunk name, must be numeric' },
      ),
    )
    add('MOVE', uploads, (call) => {
      const place = placeOf(basicOf(call))
      if (!place) return unauthorized()
      return joinChunks(place.files, place.uploads, call, (destination) => methods.refuseReplacing(place.files, call, destination))
    })
    const status = {
      installed: true,
      maintenance: false,
      needsDbUpgrade: false,
      version: '31.0.8.1',
      versionstring: '31.0.8',
      edition: '',
      productname: 'Nextcloud',
      extendedSupport: false,
    }
    add('GET', '/status.php', () => ({ json: status }))
    const ocs =
      (act: (account: Account, call: Call) => unknown): Handler =>
      (call) => {
        if (call.headers['ocs-apirequest'] !== 'true') return { status: 412, json: { message: 'CSRF check failed' } }
        const place = placeOf(basicOf(call))
        if (!place) return { ...unauthorized(), json: { ocs: { meta: { status: 'failure', statuscode: 997 }, data: [] } } }
        return { json: { ocs: { meta: { status: 'ok', statuscode: 200, message: 'OK' }, data: act(place.account, call) ?? [] } } }
      }
    add(
      'GET',
      '/ocs/v2.php/cloud/user',
      ocs(({ name }) => ({ id: name, displayname: name, 'display-name': name, email: `${name}@example.org` })),
    )
    add(
      'DELETE',
      '/ocs/v2.php/core/apppassword',
      ocs((account, call) => doors.removePassword(account.name, basicOf(call)?.[1] ?? '')),
    )
    add('POST', '/index.php/login/v2', flow.begin)
    add('GET', '/login/v2/flow/:token', flow.show)
    add('POST', '/login/v2/flow/:token', flow.decide)
    add('POST', '/login/v2/poll', flow.poll)
  }

  const stop = simulator.close.bind(simulator)
  const close = async () => {
    await stop()
    await doors.settled()
  }
  return Object.assign(simulator, doors, { close })
}

async function createDoors(options: WebdavOptions, now: () => number) {
  const random = createRandom(options.seed ?? 1, 'webdav')
  const quotaBytes = options.quotaBytes === undefined ? 2 * 1024 ** 3 : options.quotaBytes
  const names = options.accounts ?? ['alice', 'bob']
  const passwords = new Map(names.map((name) => [name, new Set([options.passwords?.[name] ?? 'correct horse'])]))
  const locked = new Set<string>()
  const places = await Promise.all(
    names.map(async (name) => {
      const kept = options.keptIn === undefined ? null : await keepFiles(join(options.keptIn, name))
      const tree = createTree({ foldsNames: options.foldsNames ?? false, quotaBytes, now })
      for (const { path, data } of kept?.found ?? []) putWithFolders(tree, path, data)
      tree.onChange({ put: kept?.put, remove: kept?.remove })
      const files: Space = { base: options.nextcloud ? `/remote.php/dav/files/${name}` : '/dav', tree }
      const uploads: Space = { base: `/remote.php/dav/uploads/${name}`, tree: createTree({ foldsNames: false, quotaBytes: null, now }) }
      return {
        account: { name, password: options.passwords?.[name] ?? 'correct horse' },
        files,
        uploads,
        settled: async () => kept?.settled(),
      }
    }),
  )
  const first = places[0]!
  const placeNamed = (name = first.account.name) => places.find(({ account }) => account.name === name)!

  function truth(): WebdavTruth {
    return Object.fromEntries(places.map(({ account, files }) => [account.name, files.tree.truth()]))
  }

  const script = {
    /** Puts a file there as if the person had, with the folders around it. */
    put: (path: string, text: string, account?: string) => void putWithFolders(placeNamed(account).files.tree, path, Buffer.from(text)),
    remove: (path: string, account?: string) => placeNamed(account).files.tree.remove(path),
    /** Leaves so many bytes of space. */
    fill(bytesLeft: number, account?: string): void {
      const { tree } = placeNamed(account).files
      tree.reserve(0)
      tree.reserve(Math.max(0, (tree.available() ?? 0) - bytesLeft))
    },
    free: (account?: string) => placeNamed(account).files.tree.reserve(0),
    /** Somebody else holds a lock on it. */
    lock: (path: string) => void locked.add(path),
    unlock: (path: string) => void locked.delete(path),
    /** Every password of the account is refused from now on. */
    revokePasswords: (account = first.account.name) => passwords.get(account)!.clear(),
    /** A new app password. */
    makePassword(account = first.account.name): string {
      const password = Array.from({ length: 5 }, () => random.hex(3).slice(0, 5)).join('-')
      passwords.get(account)!.add(password)
      return password
    },
  }
  return {
    ...script,
    script,
    truth,
    places,
    placeOf: (basic: [string, string] | null) =>
      basic === null
        ? null
        : (places.find(({ account }) => account.name === basic[0] && passwords.get(account.name)!.has(basic[1])) ?? null),
    isLocked: (path: string) => locked.has(path),
    token: () => random.hex(64),
    removePassword: (account: string, password: string) => void passwords.get(account)!.delete(password),
    /** What a file holds; null: there is none. */
    read(path: string, account?: string): Buffer | null {
      const node = placeNamed(account).files.tree.get(path)
      return node?.kind === 'file' ? node.data : null
    },
    account: (name?: string) => placeNamed(name).account,
    settled: () => Promise.all(places.map((place) => place.settled())),
  }
}

function putWithFolders(tree: ReturnType<typeof createTree>, path: string, data: Buffer): void {
  const parts = path.split('/')
  for (let depth = 1; depth < parts.length; depth += 1) {
    const folder = parts.slice(0, depth).join('/')
    if (!tree.get(folder)) tree.makeFolder(folder)
  }
  tree.put(path, data)
}

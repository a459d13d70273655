import { createRandom, createRateLimiter, createSimulator, pageText } from '../kit/index.ts'
import type { Answer, Call, Counters, RateLimit, Simulator } from '../kit/index.ts'
import type { Operation } from './asked.ts'
import { createDoors, type Doors } from './doors.ts'
import { createDrive } from './drive.ts'
import { Refusal, authError, errorAnswer, rateLimited } from './errors.ts'
import { createFileOperations } from './file-operations.ts'
import { keepDrive } from './kept.ts'
import { createOAuth, driveFile } from './oauth.ts'
import type { GoogleApp, GoogleDriveOptions, GoogleDriveTruth } from './types.ts'
import { createUploadOperations } from './upload-operations.ts'

export type { GoogleApp, GoogleDriveAccountTruth, GoogleDriveOptions, GoogleDriveTruth } from './types.ts'
export type GoogleDriveSimulator = Omit<Simulator, 'truth'> &
  Doors & {
    readonly app: Required<GoogleApp>
    truth(): GoogleDriveTruth
    /** Does what the person in the browser does with an authorization address; returns where they are sent. Throws with the page's text when they are not. */
    authorize(address: string, wanted?: { account?: string; deny?: boolean }): Promise<string>
    setRateLimit(limit: RateLimit | null): void
  }

/**
 * Starts a server that speaks Google's Drive API v3 (developers.google.com/workspace/drive/api) and its OAuth 2 over plain HTTP: what the real one
 * spreads over www.googleapis.com, oauth2.googleapis.com and accounts.google.com is all here. The app sees what it has made (`drive.file`).
 */
export async function startGoogleDrive(options: GoogleDriveOptions = {}): Promise<GoogleDriveSimulator> {
  const now = options.now ?? Date.now
  const seed = options.seed ?? 1
  const random = createRandom(seed, 'google-drive')
  const app: Required<GoogleApp> = {
    clientId: options.app?.clientId ?? `${random.int(100_000_000, 999_999_999)}-${random.hex(16)}.apps.googleusercontent.com`,
    clientSecret: options.app?.clientSecret ?? `GOCSPX-${random.hex(14)}`,
    name: options.app?.name ?? 'Asheville',
    redirectUris: options.app?.redirectUris ?? ['http://localhost:3000/sign-in/google-drive/callback'],
  }
  const places = (options.accounts ?? ['alice', 'bob']).map((name) => {
    const own = createRandom(seed, 'account', name)
    const account = {
      id: String(own.int(100_000_000, 999_999_999)) + String(own.int(100_000_000, 999_999_999)),
      name,
      email: `${name}@example.com`,
      password: options.passwords?.[name] ?? 'correct horse',
    }
    return { account, drive: createDrive({ random: own, quotaBytes: options.quotaBytes ?? 15 * 1024 ** 3, now }) }
  })
  const { keptIn } = options
  const kept = keptIn === undefined ? [] : await Promise.all(places.map(({ account, drive }) => keepDrive(keptIn, account.name, drive)))
  const limiter = createRateLimiter(options.rateLimit ?? null, now)
  let counters: Counters | null = null
  const oauth = createOAuth({
    app,
    accounts: places.map(({ account }) => account),
    tokenSeconds: options.tokenSeconds ?? 3599,
    prefill: options.prefillSignIn ?? true,
    now,
    counters: () => counters!,
  })
  const operations = createFileOperations({ pageSize: options.pageSize ?? 1000, tellsSha256: options.tellsSha256 ?? true })
  const uploads = createUploadOperations(operations.shown, () => random.hex(32), now)
  const doors = {
    ...createDoors(places, oauth, uploads),
    setRateLimit: (limit: RateLimit | null) => limiter.set(limit),
  }
  const truth = (): GoogleDriveTruth => Object.fromEntries(places.map(({ account, drive }) => [account.name, drive.truth()]))

  const served =
    (operation: Operation) =>
    async (call: Call): Promise<Answer> => {
      try {
        const found = call.token === null ? null : oauth.find(call.token)
        if (!found) return authError()
        if (call.query.has('access_token')) counters!.add('tokensInAddresses')
        if (!found.scopes.includes(driveFile))
          return errorAnswer(403, 'insufficientPermissions', 'Insufficient Permission: Request had insufficient authentication scopes.')
        const { drive } = places.find(({ account }) => account === found.account)!
        return await operation({ call, account: found.account, drive })
      } catch (error) {
        if (error instanceof Refusal) return error.answer
        throw error
      }
    }

  const simulator = await createSimulator(
    {
      name: 'google-drive',
      rateLimited: () => errorAnswer(429, 'rateLimitExceeded', 'Rate Limit Exceeded', { domain: 'usageLimits' }),
      serverError: (status) => errorAnswer(status, 'backendError', 'Backend Error'),
      unauthorized: authError,
      notFound: () => ({ status: 404, html: '<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>' }),
      labelOf: (token) => oauth.find(token)?.account.name ?? null,
      revoke: (token) => oauth.revoke(oauth.find(token)?.account),
      takesStream: (routeKey) => / \/upload\//.test(routeKey),
      before: (call) => (call.token !== null && limiter.take(call.token)?.exceeded ? { answer: rateLimited() } : {}),
      truth,
      script: doors,
    },
    (add) => {
      add('GET', '/o/oauth2/v2/auth', oauth.showForm)
      add('POST', '/o/oauth2/v2/auth', oauth.decide)
      add('POST', '/token', oauth.token)
      add('POST', '/revoke', oauth.revokeRoute)
      const drive = (method: string, path: string, operation: Operation) => add(method, `/drive/v3${path}`, served(operation))
      drive('GET', '/about', operations.about)
      drive('GET', '/changes/startPageToken', operations.startPageToken)
      drive('GET', '/changes', operations.changes)
      drive('GET', '/files', operations.list)
      drive('POST', '/files', operations.create)
      drive('GET', '/files/:id', operations.get)
      drive('PATCH', '/files/:id', operations.update)
      drive('DELETE', '/files/:id', operations.remove)
      drive('GET', '/files/:id/revisions/:revision', operations.getRevision)
      drive('DELETE', '/files/:id/revisions/:revision', operations.removeRevision)
      add('POST', '/upload/drive/v3/files', served(uploads.upload))
      add('PATCH', '/upload/drive/v3/files/:id', served(uploads.upload))
      add('PUT', '/upload/drive/v3/files', served(uploads.resume))
      add('PUT', '/upload/drive/v3/files/:id', served(uploads.resume))
    },
    options,
  )
  counters = simulator.counters
  const stop = simulator.close.bind(simulator)

  async function authorize(address: string, wanted: { account?: string; deny?: boolean } = {}): Promise<string> {
    const { email, password } = doors.account(wanted.account)
    const shown = await fetch(address)
    if (!shown.ok) throw new Error(`${shown.status} ${pageText(await shown.text())}`)
    const form = new URLSearchParams(new URL(address).search)
    for (const scope of (form.get('scope') ?? '').split(' ')) form.append('allow', scope)
    for (const [name, value] of Object.entries({ email, password, decision: wanted.deny ? 'deny' : 'allow' })) form.set(name, value)
    const answer = await fetch(`${simulator.url}/o/oauth2/v2/auth`, { method: 'POST', body: form, redirect: 'manual' })
    const location = answer.headers.get('location')
    if (location === null) throw new Error(`${answer.status} ${pageText(await answer.text())}`)
    return location
  }

  async function close(): Promise<void> {
    await stop()
    await Promise.all(kept.map((one) => one.settled()))
  }

  return Object.assign(simulator as Omit<Simulator, 'truth'>, doors, { app, authorize, truth, close })
}

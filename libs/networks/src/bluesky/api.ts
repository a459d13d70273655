import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { AshevilleError, type Http, type PullIo, type Tokens } from '@asheville/core'
import { errorOfResponse, readText } from '@asheville/http-client'
import { z } from 'zod'

/** A repository is text; the largest known ones are some hundred megabytes. */
const maxRepositoryBytes = 4 * 1024 ** 3

const sessionSchema = z.object({
  accessJwt: z.string(),
  refreshJwt: z.string(),
  did: z.string(),
  handle: z.string(),
  didDoc: z.object({ service: z.array(z.object({ id: z.string(), serviceEndpoint: z.unknown() })).optional() }).optional(),
})
export type Session = z.infer<typeof sessionSchema>

interface Call {
  method?: 'POST'
  query?: Record<string, string>
  body?: unknown
  token?: string | undefined
  signal: AbortSignal
}

/**
 * One XRPC call (https://docs.bsky.app/docs/api/at-protocol-xrpc-api). The protocol names its errors in the body; those about
 * tokens come as 400 as often as 401, so the name decides.
 */
async function xrpc(http: Pick<Http, 'fetch'>, server: string, name: string, call: Call): Promise<Response> {
  const url = new URL(`/xrpc/${name}`, server)
  for (const [key, value] of Object.entries(call.query ?? {})) url.searchParams.set(key, value)
  const headers: Record<string, string> = {}
  if (call.token !== undefined) headers['authorization'] = `Bearer ${call.token}`
  if (call.body !== undefined) headers['content-type'] = 'application/json'
  const response = await http.fetch(url, {
    method: call.method ?? 'GET',
    headers,
    signal: call.signal,
    ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
  })
  if (response.ok) return response
  throw await errorOf(response, name)
}

async function errorOf(response: Response, call: string): Promise<AshevilleError> {
  const isJson = response.headers.get('content-type')?.includes('json') ?? false
  const body = isJson ? ((await jsonOf(response)) as { error?: unknown } | null) : null
  if (!isJson) await response.body?.cancel()
  const known = errorOfResponse(response, { service: 'Bluesky' })
  if (known.kind === 'rate-limited' || known.kind === 'unavailable') return known
  switch (body?.error) {
    case 'ExpiredToken':
    case 'InvalidToken':
    case 'AuthMissing':
    case 'AuthenticationRequired':
      return new AshevilleError('reconnect-required', 'Bluesky no longer accepts this sign-in')
    case 'AuthFactorTokenRequired':
      return new AshevilleError('invalid', 'This account asks for a second factor', {
        faults: [
          {
            pointer: '/password',
            message: 'This account asks for a second factor. Make an app password in Settings → Privacy and security.',
          },
        ],
      })
    case 'AccountTakedown':
    case 'AccountDeactivated':
    case 'RepoTakendown':
    case 'RepoDeactivated':
      return new AshevilleError('reconnect-required', 'Bluesky says that this account is deactivated or taken down')
    case 'RepoNotFound':
    case 'RecordNotFound':
    case 'BlobNotFound':
      return new AshevilleError('not-found', 'Bluesky does not have this any more')
    default:
      return body === null && (known.kind === 'invalid' || known.kind === 'not-found')
        ? new AshevilleError('invalid', 'This does not look like a Bluesky server', {
            cause: new Error(`${call} answered ${response.status}`),
          })
        : known
  }
}

/** Answers of a server that anybody may have named are bounded; null: it is no JSON. */
const maxJsonBytes = 1024 ** 2

async function jsonOf(response: Response): Promise<unknown> {
  try {
    return JSON.parse(await readText(response, { service: 'Bluesky', maxBytes: maxJsonBytes }))
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

async function session(response: Response): Promise<Session> {
  const parsed = sessionSchema.safeParse(await jsonOf(response))
  if (!parsed.success) throw new AshevilleError('invalid', 'This does not look like a Bluesky server')
  return parsed.data
}

/** `com.atproto.server.createSession`; a wrong name or password is `reconnect-required`. */
export async function createSession(
  http: Http,
  server: string,
  identifier: string,
  password: string,
  signal: AbortSignal,
): Promise<Session> {
  return session(await xrpc(http, server, 'com.atproto.server.createSession', { method: 'POST', body: { identifier, password }, signal }))
}

/** `com.atproto.server.refreshSession`: the refresh token is used up, the session has the next one. */
export async function refreshSession(http: Http, server: string, refreshToken: string, signal: AbortSignal): Promise<Session> {
  return session(await xrpc(http, server, 'com.atproto.server.refreshSession', { method: 'POST', token: refreshToken, signal }))
}

/** `com.atproto.server.deleteSession` */
export async function deleteSession(http: Http, server: string, refreshToken: string, signal: AbortSignal): Promise<void> {
  const response = await xrpc(http, server, 'com.atproto.server.deleteSession', { method: 'POST', token: refreshToken, signal })
  await response.body?.cancel()
}

/** `com.atproto.server.getSession`: who the token is. */
export async function getSession(server: string, io: PullIo): Promise<{ did: string; handle: string }> {
  const response = await xrpc(io.http, server, 'com.atproto.server.getSession', { token: await io.token(), signal: io.signal })
  const parsed = z.object({ did: z.string(), handle: z.string() }).safeParse(await jsonOf(response))
  if (!parsed.success) throw new AshevilleError('unavailable', 'Bluesky answered in an unknown shape')
  return parsed.data
}

/** `com.atproto.repo.getRecord`: whether the record is still there. */
export async function hasRecord(server: string, io: PullIo, id: string): Promise<boolean> {
  const [repo = '', collection = '', rkey = ''] = id.slice('at://'.length).split('/')
  try {
    const query = { repo, collection, rkey }
    const response = await xrpc(io.http, server, 'com.atproto.repo.getRecord', { query, token: await io.token(), signal: io.signal })
    await response.body?.cancel()
    return true
  } catch (error) {
    if (error instanceof AshevilleError && error.kind === 'not-found') return false
    throw error
  }
}

/**
 * `com.atproto.sync.getRepo` into a file of the scratch directory: the whole repository, or what changed since a revision. The file
 * appears under its name only when the download is whole.
 */
export async function downloadRepository(server: string, io: PullIo, since: string | null): Promise<string> {
  const query = { did: io.account.id, ...(since !== null && { since }) }
  const response = await xrpc(io.http, server, 'com.atproto.sync.getRepo', { query, token: await io.token(), signal: io.signal })
  const path = repositoryPath(io, since)
  // Of this download alone: one whose process was frozen meanwhile must not go on writing into another's file.
  const partial = `${path}.${randomUUID()}.part`
  try {
    await pipeline(bodyOf(response), atMost(maxRepositoryBytes), createWriteStream(partial, { mode: 0o600 }), { signal: io.signal })
    await rename(partial, path)
  } catch (error) {
    await rm(partial, { force: true })
    if (io.signal.aborted || error instanceof AshevilleError) throw error
    throw new AshevilleError('unavailable', 'The download of the repository broke off', { cause: error })
  }
  return path
}

/** Where a downloaded repository lies until its walk is complete. */
export function repositoryPath(io: PullIo, since: string | null): string {
  return join(io.scratch(), since === null ? 'repository.car' : 'changes.car')
}

/** `com.atproto.sync.getBlob` at its address. */
export async function openBlob(url: string, io: PullIo): Promise<Readable> {
  const { origin, searchParams } = new URL(url)
  const query = { did: searchParams.get('did') ?? '', cid: searchParams.get('cid') ?? '' }
  return bodyOf(await xrpc(io.http, origin, 'com.atproto.sync.getBlob', { query, signal: io.signal }))
}

/** The address of a blob at the person's server. */
export function blobUrl(server: string, did: string, cid: string): string {
  const url = new URL('/xrpc/com.atproto.sync.getBlob', server)
  url.searchParams.set('did', did)
  url.searchParams.set('cid', cid)
  return url.href
}

/** Tokens of a session, with the access token's end read from it (RFC 7519 §4.1.4). */
export function tokensOf({ accessJwt, refreshJwt }: Session): Tokens {
  const payload: unknown = JSON.parse(Buffer.from(accessJwt.split('.')[1] ?? '', 'base64url').toString() || '{}')
  const parsed = z.object({ exp: z.number() }).safeParse(payload)
  return {
    accessToken: accessJwt,
    refreshToken: refreshJwt,
    expiresAt: parsed.success ? new Date(parsed.data.exp * 1000).toISOString() : null,
  }
}

function bodyOf(response: Response): Readable {
  return response.body ? Readable.fromWeb(response.body as ReadableStream) : Readable.from([])
}

function atMost(maxBytes: number): Transform {
  let bytes = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      if (bytes > maxBytes) done(new AshevilleError('invalid', 'This repository is larger than 4 GiB'))
      else done(null, chunk)
    },
  })
}

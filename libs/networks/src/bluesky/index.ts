import { createHash } from 'node:crypto'
import { Transform, type Readable } from 'node:stream'
import { AshevilleError, kindOf, type Fields, type LoginIo, type Network, type Tokens } from '@asheville/core'
import { asLoginFault } from '@asheville/http-client'
import { parseCid } from '@atproto/lex-data'
import { createSession, deleteSession, getSession, openBlob, refreshSession, tokensOf, type Session } from './api.ts'
import { repository } from './repository.ts'

/** https://atproto.com and https://docs.bsky.app; what the API cannot do: README.md. */
export const bluesky: Network = {
  id: 'bluesky',
  title: 'Bluesky',
  description: 'Your posts with their pictures and videos, reposts, likes and follows, from any server of the network.',
  website: 'https://bsky.app',
  variables: [
    { name: 'BLUESKY_API_URL', description: 'Where people sign in who name no server of their own', default: 'https://bsky.social' },
  ],
  // https://docs.bsky.app/docs/advanced-guides/rate-limits
  budgets: [{ per: 'server', requests: 3000, windowMs: 5 * 60_000 }],
  streams: [repository],
  logins: [
    {
      kind: 'fields',
      fields: [
        { name: 'handle', label: 'Handle', kind: 'text', placeholder: 'you.bsky.social', autocomplete: 'username' },
        {
          name: 'password',
          label: 'App password',
          kind: 'password',
          help: 'Not your main password: make one in Bluesky under Settings → Privacy and security → App passwords. It can be withdrawn there at any time.',
          placeholder: 'xxxx-xxxx-xxxx-xxxx',
          autocomplete: 'off',
        },
        {
          name: 'server',
          label: 'Server',
          kind: 'url',
          optional: true,
          help: 'Only if your account is not on bsky.social.',
          placeholder: 'https://bsky.social',
        },
      ],
      signIn,
      refresh,
      revoke: async ({ refreshToken }, { server }, io) => {
        if (refreshToken !== null && server !== null) await deleteSession(io.http, server, refreshToken, io.signal)
      },
    },
  ],

  async account(io) {
    if (io.server === null) throw new AshevilleError('invalid', 'This Bluesky connection has no server')
    const { did, handle } = await getSession(io.server, io)
    return { id: did, handle, title: handle, url: `https://bsky.app/profile/${did}`, declined: [] }
  },

  async openMedia(source, io) {
    return verified(await openBlob(source.url, io), source.url)
  },
}

async function signIn(fields: Fields, io: LoginIo): Promise<{ tokens: Tokens; server: string; fields: Fields }> {
  const handle = handleOf(fields['handle'] ?? '')
  const password = (fields['password'] ?? '').trim()
  if (!handle) throw faulty('handle', 'Write your handle, such as you.bsky.social')
  if (!password) throw faulty('password', 'Write an app password')
  const named = (fields['server'] ?? '').trim()
  const server = serverOf(named || (io.variables['BLUESKY_API_URL'] ?? ''))
  let session: Session
  try {
    session = await createSession(io.http, server, handle, password, io.signal)
  } catch (error) {
    if (kindOf(error) === 'reconnect-required') throw faulty('password', 'Bluesky does not know this handle with this app password', error)
    // A server that they did not write is no fault of theirs.
    throw named || kindOf(error) !== 'unavailable' ? asLoginFault(error, named ? '/server' : '/handle') : error
  }
  return { tokens: tokensOf(session), server: homeOf(session) ?? server, fields: { handle: session.handle } }
}

async function refresh(tokens: Tokens, server: string | null, io: LoginIo): Promise<Tokens> {
  if (tokens.refreshToken === null || server === null)
    throw new AshevilleError('reconnect-required', 'Bluesky gave no way to renew this sign-in')
  return tokensOf(await refreshSession(io.http, server, tokens.refreshToken, io.signal))
}

/** `@you.example`, `you.example`, `https://bsky.app/profile/you.example` and a DID all name the same. */
function handleOf(text: string): string {
  return text
    .trim()
    .replace(/^https?:\/\/[^/]+\/profile\//i, '')
    .replace(/^@/, '')
    .replace(/\/.*$/, '')
}

function serverOf(text: string): string {
  const url = URL.parse(text.includes('://') ? text : `https://${text}`)
  if (!url || !/^https?:$/.test(url.protocol) || url.username)
    throw faulty('server', 'Write the address of a server, such as https://bsky.social')
  return url.origin
}

/** The server that has the repository, when the one for signing in is a front of many (https://atproto.com/specs/did). */
function homeOf(session: Session): string | null {
  const endpoint = session.didDoc?.service?.find(({ id }) => id.endsWith('#atproto_pds'))?.serviceEndpoint
  return typeof endpoint === 'string' ? (URL.parse(endpoint)?.origin ?? null) : null
}

/** Passes a blob through and fails at its end if it is not what its address names. */
function verified(body: Readable, url: string): Readable {
  const { multihash } = parseCid(new URL(url).searchParams.get('cid') ?? '')
  const hash = createHash('sha256')
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      done(null, chunk)
    },
    flush(done) {
      const isSame = hash.digest().equals(multihash.digest)
      done(isSame ? null : new AshevilleError('unavailable', 'The bytes that Bluesky sent are not those of this picture'))
    },
  })
  body.on('error', (error) => check.destroy(error))
  check.on('close', () => body.destroy())
  return body.pipe(check)
}

function faulty(field: string, message: string, cause?: unknown): AshevilleError {
  return new AshevilleError('invalid', message, { faults: [{ pointer: `/${field}`, message }], cause })
}

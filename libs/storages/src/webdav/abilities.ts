import { randomUUID } from 'node:crypto'
import { AshevilleError, type Fields } from '@asheville/core'
import { dismiss, errorOf, type Client } from './client.ts'
import { conditionsOf } from './conditions.ts'
import { propfind } from './propfind.ts'

/** What a server does beyond what all do. Found out when a person connects, and kept in the connection's fields. */
export interface Abilities {
  /** It heeds `If`, `If-None-Match` and `Overwrite` in the same step as the write. */
  conditions: boolean
  /** A file that is put shows only once it is whole. */
  wholePuts: boolean
}

export function abilitiesOf(fields: Fields): Abilities {
  return { conditions: fields['conditions'] === 'yes', wholePuts: fields['wholePuts'] === 'yes' }
}

export const fieldsOfAbilities = ({ conditions, wholePuts }: Abilities): Fields => ({
  conditions: conditions ? 'yes' : 'no',
  wholePuts: wholePuts ? 'yes' : 'no',
})

const brokenBytes = 256 * 1024

/**
 * Tries it out with a file of its own in the folder, which is gone afterwards: what servers say of themselves tells little. Throws where
 * files cannot be written there, or have no entity tags, by which alone a change by somebody else is seen.
 *
 * @param root the folder, as an address that ends with a slash
 * @param isNextcloud which puts a file together before it shows
 */
export async function tryAbilities(client: Client, root: string, isNextcloud: boolean, signal: AbortSignal): Promise<Abilities> {
  const address = `${root}asheville-${randomUUID()}.tmp`
  const put = (content: string, headers: Record<string, string>) =>
    client.send('PUT', address, { body: content, headers: { 'content-type': 'application/octet-stream', ...headers }, signal })
  const statusOf = async (asked: Promise<Response>): Promise<number> => {
    const response = await asked
    dismiss(response)
    return response.status
  }
  try {
    const first = await put('one', {})
    if (!first.ok) throw errorOf(first)
    dismiss(first)
    const etag = await etagOf(client, address, signal)
    const refusals = [
      await statusOf(put('two', conditionsOf(null, address))),
      await statusOf(put('two', conditionsOf('"of-another-version"', address))),
    ]
    const isHeld = (await etagOf(client, address, signal)) === etag
    const isTaken = isHeld && (await put('three', conditionsOf(etag, address))).ok
    const conditions = isTaken && refusals.every((status) => status === 412)
    // Behind what takes a body in before it passes it on, half a PUT cannot be told from a whole one: only who is known to be careful is tried.
    const isKnown = isNextcloud || (await isApache(client, root, signal))
    return { conditions, wholePuts: isKnown && (await isPutWhole(client, address, signal)) }
  } finally {
    await client.send('DELETE', address, { signal: AbortSignal.timeout(5000) }).then(dismiss, () => undefined)
  }
}

async function etagOf(client: Client, address: string, signal: AbortSignal): Promise<string> {
  const [found] = (await propfind(client, address, 0, signal)) ?? []
  if (found?.etag) return found.etag
  throw new AshevilleError(
    'invalid',
    'This server does not tell versions of files apart (it has no ETag), so that copies cannot be kept safely there',
  )
}

/** Its mod_dav says so; it writes to a file of another name, and renames that. */
async function isApache(client: Client, root: string, signal: AbortSignal): Promise<boolean> {
  const response = await client.send('OPTIONS', root, { signal })
  dismiss(response)
  return response.headers.get('dav')?.includes('apache.org/dav') ?? false
}

/** Breaks a PUT off half-way: whether what was there is still there. */
async function isPutWhole(client: Client, address: string, signal: AbortSignal): Promise<boolean> {
  const before = await etagOf(client, address, signal)
  const { promise: isHalf, resolve } = Promise.withResolvers<undefined>()
  const stop = new AbortController()
  const body = async function* () {
    yield Buffer.alloc(brokenBytes, 'x')
    resolve(undefined)
    await new Promise((_, reject) => stop.signal.addEventListener('abort', () => reject(new Error('broken off'))))
  }
  const headers = { 'content-length': String(2 * brokenBytes), 'content-type': 'application/octet-stream' }
  const sent = client
    .send('PUT', address, { headers, body: body(), signal: AbortSignal.any([signal, stop.signal]) })
    .then(dismiss, () => undefined)
  await Promise.race([isHalf, sent])
  // While it comes, and once it has broken off.
  const during = await shown(client, address, signal)
  stop.abort()
  await sent
  return during === before && (await shown(client, address, signal)) === before
}

async function shown(client: Client, address: string, signal: AbortSignal): Promise<string | null> {
  const [found] = (await propfind(client, address, 0, signal)) ?? []
  return found?.etag ?? null
}

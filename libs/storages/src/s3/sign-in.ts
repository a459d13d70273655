import { randomUUID } from 'node:crypto'
import { isIP } from 'node:net'
import { AshevilleError, kindOf, storagePathParts, type Fields, type LoggedIn, type LoginIo } from '@asheville/core'
import { asLoginFault } from '@asheville/http-client'
import { DeleteObjectCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand, S3ServiceException } from '@aws-sdk/client-s3'
import { createClient, type Client } from './client.ts'
import { orNull } from './or-null.ts'
import { conditionsOf } from './put-file.ts'

/** Finds how the bucket is reached (by path or host, in which region), and tries out what the service can. */
export async function signIn(typed: Fields, io: LoginIo): Promise<LoggedIn> {
  const region = typed['region'] ?? ''
  const endpoint = endpointTyped(typed['endpoint'] ?? '', region || 'us-east-1')
  const bucket = typed['bucket'] ?? ''
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$/.test(bucket)) throw faulty('bucket', 'This cannot be the name of a bucket')
  const common = { endpoint, bucket, folder: folderTyped(typed['folder'] ?? ''), accessKey: (typed['accessKey'] ?? '').trim() }
  const secret = (typed['secretKey'] ?? '').trim()
  const open = (fields: Fields) => createClient({ http: io.http, fields, token: () => Promise.resolve(secret) })
  try {
    const reached = await reach({ ...common, region: region || 'us-east-1' }, open, io.signal)
    const conditions = await heedsConditions(open(reached), io.signal)
    return {
      tokens: { accessToken: secret, refreshToken: null, expiresAt: null },
      server: new URL(endpoint).origin,
      fields: { ...reached, conditions: conditions ? 'yes' : 'no' },
    }
  } catch (error) {
    if (kindOf(error) === 'reconnect-required')
      throw faulty('secretKey', 'The service does not accept these keys, or they may not read and write this bucket', error)
    if (error instanceof NoBucket) throw faulty('bucket', error.message, error)
    throw asLoginFault(error, '/endpoint')
  }
}

class NoBucket extends AshevilleError {}

/** Lists one key: in the region that the service names if it is another one; by the host where the path will not do. */
async function reach(place: Fields, open: (fields: Fields) => Client, signal: AbortSignal): Promise<Fields> {
  const { hostname } = new URL(place['endpoint'] ?? '')
  const mayBeVirtual = isIP(hostname.replace(/^\[|\]$/g, '')) === 0 && !place['bucket']!.includes('.')
  const styles = mayBeVirtual ? ['path', 'virtual'] : ['path']
  let failure: unknown = null
  for (const style of styles) {
    const fields = { ...place, style }
    const told: { region?: string; code?: string } = {}
    try {
      await listOne(open(fields), told, signal)
      return fields
    } catch (error) {
      failure ??= told.code === 'NoSuchBucket' ? new NoBucket('invalid', 'There is no such bucket', { cause: error }) : error
      if (told.region === undefined || told.region === place['region']) continue
      const elsewhere = { ...fields, region: told.region }
      await listOne(open(elsewhere), told, signal)
      return elsewhere
    }
  }
  throw failure
}

async function listOne({ bucket, prefix, call }: Client, told: { region?: string; code?: string }, signal: AbortSignal): Promise<void> {
  const command = new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: 1 })
  await call(signal, (sdk, options) =>
    sdk.send(command, options).catch((error: unknown) => {
      if (error instanceof S3ServiceException) {
        const { headers } = (error.$response ?? {}) as { headers?: Record<string, string> }
        const region = (error as { Region?: unknown }).Region ?? headers?.['x-amz-bucket-region']
        if (typeof region === 'string') told.region = region
        told.code = error.name
      }
      throw error
    }),
  )
}

/** Tries it out with an object that is gone afterwards. Throws where none may be written. */
async function heedsConditions({ bucket: Bucket, prefix, call }: Client, signal: AbortSignal): Promise<boolean> {
  const Key = `${prefix}asheville-${randomUUID()}.tmp`
  const put = (content: string, replaces: string | null | 'any') => {
    const command = new PutObjectCommand({ Bucket, Key, Body: content, ...conditionsOf(replaces) })
    return call(signal, (sdk, options) => sdk.send(command, options))
  }
  const isRefused = (work: Promise<unknown>) =>
    work.then(
      () => false,
      (error: unknown) => kindOf(error) === 'conflict',
    )
  try {
    await put('one', 'any')
    if (!(await isRefused(put('two', null))) || !(await isRefused(put('two', '"of-another-version"')))) return false
    const found = await orNull(call(signal, (sdk, options) => sdk.send(new HeadObjectCommand({ Bucket, Key }), options)))
    return await put('three', found?.ETag ?? null).then(
      () => true,
      () => false,
    )
  } finally {
    const late = AbortSignal.timeout(5000)
    await call(late, (sdk, options) => sdk.send(new DeleteObjectCommand({ Bucket, Key }), options)).catch(() => undefined)
  }
}

function endpointTyped(text: string, region: string): string {
  if (text === '') return `https://s3.${region}.amazonaws.com`
  const url = URL.parse(text.includes('://') ? text : `https://${text}`)
  if (!url || !/^https?:$/.test(url.protocol) || url.hostname === '')
    throw faulty('endpoint', 'Write an address such as https://s3.example')
  if (url.username !== '' || url.password !== '') throw faulty('endpoint', 'Write the keys in their own fields, not in the address')
  return url.origin + url.pathname.replace(/\/+$/, '')
}

function folderTyped(text: string): string {
  const plain = text.replace(/^\/+|\/+$/g, '')
  if (plain === '') return ''
  try {
    return storagePathParts(plain).join('/')
  } catch (error) {
    throw faulty('folder', 'This cannot be the beginning of keys', error)
  }
}

function faulty(field: string, message: string, cause?: unknown): AshevilleError {
  return new AshevilleError('invalid', message, { faults: [{ pointer: `/${field}`, message }], cause })
}

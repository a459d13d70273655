import { Readable } from 'node:stream'
import { AshevilleError, checkedUpload, kindOf, putFailure, throwIfAborted, type PutResult, type Upload } from '@asheville/core'
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import type { Client } from './client.ts'
import { keyOf } from './key.ts'
import { orNull } from './or-null.ts'
import { sendInParts } from './send-in-parts.ts'

/** What is larger goes in parts. */
const besideBytes = 64 * 1024 * 1024

/** Writes one object: it shows whole or not at all. */
export async function putFile(client: Client, isConditional: boolean, upload: Upload, signal: AbortSignal): Promise<PutResult> {
  const { path, replaces } = upload
  try {
    const key = keyOf(client.prefix, path)
    throwIfAborted(signal)
    if (!isConditional && !(await isAsExpected(client, key, replaces, signal))) return { outcome: 'conflict', path }
    const conditions = isConditional ? conditionsOf(replaces) : {}
    const revision =
      upload.bytes > besideBytes
        ? await sendInParts(client, key, upload, conditions, signal)
        : await put(client, key, upload, conditions, signal)
    return { outcome: 'stored', path, revision }
  } catch (error) {
    // Asked to replace a version of what is gone, it says that there is no such key.
    if (kindOf(error) === 'not-found') return { outcome: 'conflict', path }
    return putFailure(path, error, signal)
  }
}

export type Conditions = { IfMatch?: string; IfNoneMatch?: string }

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html */
export function conditionsOf(replaces: Upload['replaces']): Conditions {
  if (replaces === 'any') return {}
  return replaces === null ? { IfNoneMatch: '*' } : { IfMatch: replaces }
}

async function isAsExpected(
  { bucket: Bucket, call }: Client,
  Key: string,
  replaces: Upload['replaces'],
  signal: AbortSignal,
): Promise<boolean> {
  if (replaces === 'any') return true
  const found = await orNull(call(signal, (sdk, options) => sdk.send(new HeadObjectCommand({ Bucket, Key }), options)))
  return replaces === null ? found === null : found?.ETag === replaces
}

/** What is signed is the hash of the whole content: a service that checks signatures takes nothing else. */
async function put({ bucket, call }: Client, Key: string, upload: Upload, conditions: Conditions, signal: AbortSignal): Promise<string> {
  const { bytes, sha256 } = upload
  const ChecksumSHA256 = Buffer.from(sha256, 'hex').toString('base64')
  const Body = Readable.from(checkedUpload(upload, signal), { objectMode: false })
  const command = new PutObjectCommand({ Bucket: bucket, Key, Body, ContentLength: bytes, ChecksumSHA256, ...conditions })
  signContent(command, sha256)
  try {
    const { ETag, ChecksumSHA256: arrived } = await call(signal, (sdk, options) => sdk.send(command, options))
    if (ETag !== undefined && (arrived === undefined || arrived === ChecksumSHA256)) return ETag
    throw new AshevilleError('unavailable', 'What arrived in the bucket is not what was sent')
  } catch (error) {
    throw Body.errored ?? error
  } finally {
    Body.destroy()
  }
}

/** The SDK would have to read a stream twice to sign it; we know the hash. */
function signContent(command: PutObjectCommand, sha256: string): void {
  command.middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> }
      headers['x-amz-content-sha256'] = sha256
      return next(args)
    },
    { step: 'build', name: 'signContent' },
  )
}

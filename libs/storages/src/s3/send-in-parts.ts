import { AshevilleError, checkedUpload, inParts, throwIfAborted, type Upload } from '@asheville/core'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
  type CompletedPart,
} from '@aws-sdk/client-s3'
import type { Client } from './client.ts'
import type { Conditions } from './put-file.ts'

/** Held in memory one at a time, since a part is signed with its hash. At least 5 MiB; https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const partBytes = 8 * 1024 * 1024
const maxParts = 10_000

/** Sends a large file in parts, which become an object at the end, under its conditions. What breaks off leaves none, and no parts. */
export async function sendInParts(
  client: Client,
  Key: string,
  upload: Upload,
  conditions: Conditions,
  signal: AbortSignal,
): Promise<string> {
  const { bucket: Bucket, call } = client
  const size = Math.max(partBytes, Math.ceil(upload.bytes / maxParts))
  const pieces = inParts(checkedUpload(upload, signal))
  const { UploadId } = await call(signal, (sdk, options) => sdk.send(new CreateMultipartUploadCommand({ Bucket, Key }), options))
  try {
    const Parts: CompletedPart[] = []
    for (let offset = 0; offset < upload.bytes; offset += size) {
      const Body = await bytesOf(pieces.take(Math.min(size, upload.bytes - offset)))
      const PartNumber = Parts.length + 1
      const part = { Bucket, Key, UploadId, PartNumber, Body, ContentLength: Body.length }
      const { ETag } = await call(signal, (sdk, options) => sdk.send(new UploadPartCommand(part), options))
      Parts.push({ PartNumber, ETag })
    }
    throwIfAborted(signal)
    const whole = { Bucket, Key, UploadId, MultipartUpload: { Parts }, ...conditions }
    const { ETag } = await call(signal, (sdk, options) => sdk.send(new CompleteMultipartUploadCommand(whole), options))
    if (ETag === undefined) throw new AshevilleError('unavailable', 'The S3 service does not tell the version of a file')
    // Some leave the quotation marks out here alone.
    return ETag.startsWith('"') ? ETag : `"${ETag}"`
  } catch (error) {
    const abort = new AbortMultipartUploadCommand({ Bucket, Key, UploadId })
    await call(AbortSignal.timeout(10_000), (sdk, options) => sdk.send(abort, options)).catch(() => undefined)
    throw error
  } finally {
    await pieces.end()
  }
}

async function bytesOf(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all)
}

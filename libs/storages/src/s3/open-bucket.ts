import type { Readable } from 'node:stream'
import {
  AshevilleError,
  fewAtOnce,
  oneAtATime,
  throwIfAborted,
  type Got,
  type Storage,
  type StorageIo,
  type StoredFile,
} from '@asheville/core'
import { DeleteObjectCommand, GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, S3ServiceException } from '@aws-sdk/client-s3'
import { createClient } from './client.ts'
import { keyOf, pathOf } from './key.ts'
import { orNull } from './or-null.ts'
import { putFile } from './put-file.ts'

/** How many files are written at once. */
const writers = 4
/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html: 10,000 parts; before that, 5 TiB for an object. */
const maxBytes = 5 * 1024 ** 4

/** For what is compared and written without another of this process in between, where the service has no conditions. */
const alone = oneAtATime()

/** What is below a prefix of a person's bucket as a storage. */
export function openBucket(io: StorageIo): Storage {
  const client = createClient(io)
  const { bucket: Bucket, prefix, call } = client
  const isConditional = io.fields['conditions'] === 'yes'
  const inTurn = <T>(path: string, work: () => Promise<T>) => alone(`${io.account.id} ${path}`, work)

  async function stat(path: string, signal: AbortSignal): Promise<StoredFile | null> {
    const Key = keyOf(prefix, path)
    const found = await orNull(call(signal, (sdk, options) => sdk.send(new HeadObjectCommand({ Bucket, Key }), options)))
    return found && storedFile(path, found.ETag, found.ContentLength, found.LastModified)
  }

  return {
    can: { conditional: isConditional, batch: 1, range: true, maxBytes, hash: null },
    stat,

    put: (files, signal) => fewAtOnce(writers, files, (file) => inTurn(file.path, () => putFile(client, isConditional, file, signal))),

    async get(path, { range, unless, signal }) {
      const Range = range && `bytes=${range.start}-${range.end}`
      const command = new GetObjectCommand({ Bucket, Key: keyOf(prefix, path), Range, IfNoneMatch: unless })
      const got = await orNull(
        call(signal, (sdk, options) =>
          sdk.send(command, options).catch((error: unknown) => {
            if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 304) return 'unchanged' as const
            throw error
          }),
        ),
      )
      return got === null || got === 'unchanged' ? got : gotOf(got)
    },

    async *list(folder, signal) {
      const Prefix = folder === '' ? prefix : `${keyOf(prefix, folder)}/`
      for (let ContinuationToken: string | undefined, isMore = true; isMore;) {
        const command = new ListObjectsV2Command({ Bucket, Prefix, ContinuationToken })
        const page = await call(signal, (sdk, options) => sdk.send(command, options))
        for (const { Key = '', ETag, Size, LastModified } of page.Contents ?? []) {
          throwIfAborted(signal)
          const path = pathOf(prefix, Key)
          if (path !== null) yield storedFile(path, ETag, Size, LastModified)
        }
        isMore = page.IsTruncated === true
        ContinuationToken = page.NextContinuationToken
        if (isMore && ContinuationToken === undefined) throw incomplete()
      }
    },

    remove: (path, revision, signal) =>
      inTurn(path, async () => {
        const Key = keyOf(prefix, path)
        if (revision !== null) {
          const found = await stat(path, signal)
          if (found === null) return
          if (found.revision !== revision) throw new AshevilleError('conflict', 'The file has changed in the bucket')
        }
        await orNull(call(signal, (sdk, options) => sdk.send(new DeleteObjectCommand({ Bucket, Key }), options)))
      }),
  }
}

function storedFile(path: string, etag: string | undefined, bytes: number | undefined, modified: Date | undefined): StoredFile {
  if (etag === undefined || bytes === undefined) throw incomplete()
  return { path, bytes, revision: etag, modified: modified?.toISOString() ?? null }
}

type Answered = { Body?: unknown; ETag?: string | undefined; ContentLength?: number | undefined; ContentRange?: string | undefined }

function gotOf({ Body, ETag, ContentLength, ContentRange }: Answered): Got {
  const body = Body as Readable
  const whole = /\/(\d+)$/.exec(ContentRange ?? '')?.[1] ?? ContentLength
  if (ETag !== undefined && whole !== undefined) return { body, bytes: Number(whole), revision: ETag }
  body.destroy()
  throw incomplete()
}

function incomplete(): AshevilleError {
  return new AshevilleError('unavailable', 'The answer of the S3 service is not what it should be')
}

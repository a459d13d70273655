import { AshevilleError, throwIfAborted, type Fields, type StorageIo } from '@asheville/core'
import { S3Client } from '@aws-sdk/client-s3'
import { createRequestHandler } from './request-handler.ts'
import { translateError } from './translate-error.ts'

/** One person's bucket, and what in it is ours. */
export interface Client {
  bucket: string
  /** Before each of our paths; `''` or ends with a slash. */
  prefix: string
  /** One request. Throws our errors alone. */
  call<T>(signal: AbortSignal, work: (sdk: S3Client, options: { abortSignal: AbortSignal }) => Promise<T>): Promise<T>
}

export function createClient(io: Pick<StorageIo, 'http' | 'fields' | 'token'>): Client {
  const { endpoint, region, bucket, folder, accessKey, isVirtual } = placeOf(io.fields)
  const sdk = new S3Client({
    endpoint,
    region,
    forcePathStyle: !isVirtual,
    // With an end in the past it is asked for with every request.
    credentials: async () => ({ accessKeyId: accessKey, secretAccessKey: await io.token(), expiration: new Date(0) }),
    requestHandler: createRequestHandler(io.http),
    maxAttempts: 1,
    // It would write to the console of what we tell by our errors.
    logger: silent,
    // What is sent has its SHA-256 anyway; many services know no other checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Nothing of this machine's own settings.
    defaultsMode: 'standard',
    retryMode: 'standard',
    useDualstackEndpoint: false,
    useFipsEndpoint: false,
    useArnRegion: false,
    disableMultiregionAccessPoints: true,
    disableS3ExpressSessionAuth: true,
  })
  return {
    bucket,
    prefix: folder === '' ? '' : `${folder}/`,
    async call(signal, work) {
      throwIfAborted(signal)
      try {
        return await work(sdk, { abortSignal: signal })
      } catch (error) {
        throw translateError(error, signal)
      }
    },
  }
}

const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing }

function nothing(): void {
  // Whoever calls us logs.
}

interface Place {
  endpoint: string
  region: string
  bucket: string
  folder: string
  accessKey: string
  /** The bucket is named by the host, not by the path. */
  isVirtual: boolean
}

/** From the fields of a connection. Throws `invalid` where one is missing. */
export function placeOf(fields: Fields): Place {
  const { endpoint, region, bucket, folder = '', accessKey, style } = fields
  if (!endpoint || !region || !bucket || !accessKey) throw new AshevilleError('invalid', 'This S3 connection is not complete')
  return { endpoint, region, bucket, folder, accessKey, isVirtual: style === 'virtual' }
}

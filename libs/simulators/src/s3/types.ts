import type { SimulatorOptions } from '../kit/index.ts'

export type S3Options = SimulatorOptions & {
  /** Buckets that there are. Default: `copies`. */
  buckets?: string[]
  /** Where they are. A request signed for another region is told which. Default `us-east-1`. */
  region?: string
  /** Bytes that all of it may hold. Default 2 GiB. */
  quotaBytes?: number
  /** `If-Match` and `If-None-Match` on writes: heeded as AWS does, refused as not implemented, or not looked at. Default `heeded`. */
  conditions?: 'heeded' | 'refused' | 'ignored'
  /** Only `<bucket>.<host>` names a bucket, not the path. Default false: both do. */
  onlyVirtualHosts?: boolean
  /** Keys on a page of a list where the caller names no number, and at most. Default 1000. */
  pageSize?: number
  /** Where the objects are kept, each bucket's in a folder of its name, and found at the next start. Default: only in memory. */
  keptIn?: string
}

export type Keys = { accessKeyId: string; secretAccessKey: string }
export type S3Object = { data: Buffer; etag: string; modified: number }
export type TrueObject = { key: string; bytes: number; sha256: string; etag: string }
export type S3Truth = Record<string, { objects: TrueObject[]; uploads: number }>

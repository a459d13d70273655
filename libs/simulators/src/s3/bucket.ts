import { createHash } from 'node:crypto'
import { sha256 } from '../kit/index.ts'
import type { S3Object, TrueObject } from './types.ts'

export type Upload = { key: string; parts: Map<number, { data: Buffer; etag: string }> }
export const md5 = (data: Uint8Array): string => createHash('md5').update(data).digest('hex')

/** What one bucket holds, by key. `watch` is told of every change. */
export function createBucket(now: () => number) {
  const objects = new Map<string, S3Object>()
  const uploads = new Map<string, Upload>()
  let watcher: { put(path: string, data: Buffer): void; remove(path: string): void } | null = null
  return {
    objects,
    uploads,
    watch: (next: NonNullable<typeof watcher>): void => void (watcher = next),
    put(key: string, data: Buffer, etag = `"${md5(data)}"`): S3Object {
      const object = { data, etag, modified: now() }
      objects.set(key, object)
      watcher?.put(key, data)
      return object
    },
    remove(key: string): void {
      if (objects.delete(key)) watcher?.remove(key)
    },
    used: (): number => [...objects.values()].reduce((sum, { data }) => sum + data.length, 0),
    truth: () => ({
      objects: [...objects]
        .map(([key, { data, etag }]): TrueObject => ({ key, bytes: data.length, sha256: sha256(data), etag }))
        .sort((one, other) => (one.key < other.key ? -1 : 1)),
      uploads: uploads.size,
    }),
  }
}
export type Bucket = ReturnType<typeof createBucket>

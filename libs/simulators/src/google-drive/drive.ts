import { createHash } from 'node:crypto'
import type { Random } from '../kit/index.ts'
import { notFound, quotaExceeded } from './errors.ts'
import type { DriveFile, GoogleDriveAccountTruth, Revision } from './types.ts'

export const folderType = 'application/vnd.google-apps.folder'
export type Change = { fileId: string; at: number; isRemoved: boolean }
export type Wanted = { name: string; parent: string; mimeType: string; appProperties: Record<string, string>; isOurs?: boolean }
/** Told of every file that was written or went away, by path. */
export type Watcher = { put(path: string, data: Buffer): void; remove(path: string): void; folders(): void }

/** What one account's My Drive holds. Names need not be unique in a folder: https://developers.google.com/workspace/drive/api/guides/about-files */
export function createDrive({ random, quotaBytes, now }: { random: Random; quotaBytes: number; now: () => number }) {
  const files = new Map<string, DriveFile>()
  const changes: Change[] = []
  const folders = new Set<string>()
  let limit = quotaBytes
  let other = 0
  let watcher: Watcher | null = null
  let clock = 0
  const newId = () => `1${random.hex(16)}`
  const root = newId()
  folders.add(root)
  /** Times have milliseconds, and two files may have the same. */
  const tick = () => (clock = Math.max(clock, now()))

  const usage = () => [...files.values()].reduce((sum, { revisions }) => sum + (revisions.at(-1)?.data.length ?? 0), 0) + other
  const note = (fileId: string, isRemoved = false) => void changes.push({ fileId, at: tick(), isRemoved })
  const get = (id: string): DriveFile => {
    const file = files.get(id)
    if (!file) throw notFound(id)
    return file
  }
  const isFolder = (file: DriveFile) => file.mimeType === folderType
  function isTrashed(file: DriveFile): boolean {
    if (file.isTrashed) return true
    const parent = file.parent === null ? undefined : files.get(file.parent)
    return parent !== undefined && isTrashed(parent)
  }
  function pathOf(file: DriveFile): string {
    const parent = file.parent === null ? undefined : files.get(file.parent)
    return parent ? `${pathOf(parent)}/${file.name}` : file.name
  }
  function revisionOf(data: Buffer): Revision {
    const hash = (algorithm: string) => createHash(algorithm).update(data).digest('hex')
    return { id: `0B${random.hex(20)}`, data, md5: hash('md5'), sha256: hash('sha256'), modifiedAt: tick() }
  }
  function create({ isOurs = true, ...wanted }: Wanted, data: Buffer | null): DriveFile {
    if (!folders.has(wanted.parent)) throw notFound(wanted.parent)
    if (data !== null && !fits(data.length)) throw quotaExceeded()
    const at = tick()
    const revisions = data === null ? [] : [revisionOf(data)]
    const file: DriveFile = { ...wanted, id: newId(), isTrashed: false, createdAt: at, modifiedAt: at, revisions, isOurs }
    files.set(file.id, file)
    if (isFolder(file)) folders.add(file.id)
    note(file.id)
    if (data !== null) watcher?.put(pathOf(file), data)
    else watcher?.folders()
    return file
  }
  const fits = (bytes: number, replaced = 0) => usage() - replaced + bytes <= limit
  function replace(file: DriveFile, data: Buffer): void {
    if (!fits(data.length, file.revisions.at(-1)?.data.length)) throw quotaExceeded()
    file.revisions.push(revisionOf(data))
    file.modifiedAt = tick()
    note(file.id)
    watcher?.put(pathOf(file), data)
  }
  function remove(file: DriveFile): void {
    for (const inner of [...files.values()].filter(({ parent }) => parent === file.id)) remove(inner)
    if (!isFolder(file)) watcher?.remove(pathOf(file))
    files.delete(file.id)
    folders.delete(file.id)
    note(file.id, true)
  }
  /** The oldest at a path. */
  function at(path: string): DriveFile {
    const found = [...files.values()].find((file) => pathOf(file) === path && !isTrashed(file))
    if (!found) throw new Error(`${path} is not there`)
    return found
  }
  function truth(): GoogleDriveAccountTruth {
    const all = [...files.values()]
    const visible = all.filter((file) => !isTrashed(file))
    return {
      usage: usage(),
      limit,
      folders: visible.filter(isFolder).map(pathOf).sort(),
      files: visible
        .filter((file) => !isFolder(file))
        .map((file) => {
          const { data, sha256, md5, id } = file.revisions.at(-1)!
          return { path: pathOf(file), id: file.id, bytes: data.length, sha256, md5, headRevisionId: id, revisions: file.revisions.length }
        })
        .sort((one, two) => (one.path < two.path ? -1 : 1)),
      trashed: all.filter(isTrashed).map(pathOf).sort(),
    }
  }
  return {
    root,
    files,
    changes: changes as readonly Change[],
    hasFolder: (id: string) => id === 'root' || folders.has(id),
    get,
    isFolder,
    isTrashed,
    pathOf,
    at,
    create,
    replace,
    remove,
    fits,
    note,
    usage,
    truth,
    limit: () => limit,
    /** Other things of the person take so much of the quota. */
    setOther: (bytes: number) => void (other = bytes),
    setQuota: (bytes: number) => void (limit = bytes),
    watch: (next: Watcher) => void (watcher = next),
  }
}
export type Drive = ReturnType<typeof createDrive>

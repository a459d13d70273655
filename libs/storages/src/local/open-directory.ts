import { constants, type Dirent, type StatsFs } from 'node:fs'
import { lstat, open, opendir, rm, rmdir, statfs, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import {
  AshevilleError,
  fewAtOnce,
  throwIfAborted,
  type ByteRange,
  type Got,
  type PutResult,
  type Storage,
  type StoredFile,
  type Upload,
} from '@asheville/core'
import { revisionOf, settled, statSettled } from './revision.ts'
import { incoming, partsOf, refuseLinks } from './safe-path.ts'
import { codeOf, isAbsent, translateError } from './translate-error.ts'
import { alone, removeUnfinished, syncDirectories, toPortPath, writeFile, type Placed } from './write-file.ts'

/** How many files are written at once: enough to share the disk's flushes, few enough to keep memory flat. */
const writers = 4

/**
 * A directory as a storage.
 *
 * @param root absolute; created when the first file is written
 */
export function openDirectory(root: string): Storage {
  let cleaned: Promise<void> | null = null

  return {
    can: { conditional: true, batch: 1, range: true, maxBytes: Number.MAX_SAFE_INTEGER, hash: null },

    async put(files, signal) {
      cleaned ??= removeUnfinished(root)
      await cleaned
      return conclude(await fewAtOnce(writers, files, (file) => attempt(root, file, signal)))
    },

    async get(path, { range, unless, signal }) {
      throwIfAborted(signal)
      const target = join(root, ...partsOf(path))
      return orNull(async () => {
        await refuseLinks(root, dirname(target))
        const file = await open(target, constants.O_RDONLY | constants.O_NOFOLLOW)
        try {
          return await read(file, range, unless, signal)
        } catch (error) {
          await file.close()
          throw error
        }
      })
    },

    async stat(path, signal) {
      throwIfAborted(signal)
      const target = join(root, ...partsOf(path))
      return orNull(async () => {
        await refuseLinks(root, dirname(target))
        return storedFile(root, target)
      })
    },

    async *list(prefix, signal) {
      throwIfAborted(signal)
      const start = prefix === '' ? root : join(root, ...partsOf(prefix))
      if ((await orNull(() => refuseLinks(root, start).then(() => true))) === null) return
      yield* walk(root, start, signal)
    },

    async remove(path, revision, signal) {
      throwIfAborted(signal)
      const target = join(root, ...partsOf(path))
      await orNull(async () => {
        await refuseLinks(root, dirname(target))
        await alone(target, async () => {
          const stats = await lstat(target, { bigint: true })
          if (revision !== null && revisionOf(stats) !== revision) throw new AshevilleError('conflict', 'The file has changed since')
          if (stats.isDirectory()) throw new AshevilleError('invalid', 'This is a folder')
          await rm(target)
        })
        await syncDirectories([dirname(target)])
      })
    },

    async removeAll(signal) {
      throwIfAborted(signal)
      try {
        await rm(root, { recursive: true, force: true })
        // The folder around it is named after the person. Somebody may have put something else there.
        await rmdir(dirname(root))
      } catch (error) {
        if (!isAbsent(error) && !['ENOTEMPTY', 'EEXIST'].includes(codeOf(error) ?? '')) throw translateError(error)
      }
    },

    async space(signal) {
      throwIfAborted(signal)
      const { bsize, blocks, bavail } = await statfsAbove(root)
      return { used: (blocks - bavail) * bsize, total: blocks * bsize }
    },
  }
}

/** A file that is in its place but not yet sure to survive a power cut, or the outcome already. */
type Attempt = PutResult | ({ outcome: 'placed'; path: string } & Placed)

async function attempt(root: string, file: Upload, signal: AbortSignal): Promise<Attempt> {
  try {
    const written = await writeFile(root, file, signal)
    return written === 'conflict' ? { outcome: 'conflict', path: file.path } : { outcome: 'placed', path: file.path, ...written }
  } catch (error) {
    return { outcome: 'failed', path: file.path, error: translateError(error) }
  }
}

/** Forces the directories to disk, each once, and waits once until the marks of all files are unambiguous. */
async function conclude(attempts: readonly Attempt[]): Promise<PutResult[]> {
  const placed = attempts.filter((one) => one.outcome === 'placed')
  let failure: Error | null = null
  try {
    await syncDirectories(placed.flatMap(({ directories }) => directories))
  } catch (error) {
    failure = translateError(error)
  }
  const youngest = placed.reduce<Placed | null>((found, one) => (found && found.stats.ctimeNs > one.stats.ctimeNs ? found : one), null)
  if (youngest) await settled(youngest.stats)
  return attempts.map((one) => {
    if (one.outcome !== 'placed') return one
    if (failure) return { outcome: 'failed', path: one.path, error: failure }
    return { outcome: 'stored', path: one.path, revision: revisionOf(one.stats) }
  })
}

/** Takes the file over: it is closed when the body ends or is dropped. */
async function read(
  file: FileHandle,
  range: ByteRange | undefined,
  unless: string | undefined,
  signal: AbortSignal,
): Promise<Got | 'unchanged'> {
  const stats = await statSettled(file)
  if (!stats.isFile()) throw new AshevilleError('invalid', 'This is a folder')
  const revision = revisionOf(stats)
  if (unless === revision) {
    await file.close()
    return 'unchanged'
  }
  const bytes = Number(stats.size)
  const start = range?.start ?? 0
  const end = Math.min(range?.end ?? bytes - 1, bytes - 1)
  return { body: Readable.from(pieces(file, start, end, revision, signal), { objectMode: false }), bytes, revision }
}

const pieceBytes = 256 * 1024

async function* pieces(file: FileHandle, start: number, end: number, revision: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    for (let position = start; position <= end;) {
      throwIfAborted(signal)
      const buffer = Buffer.allocUnsafe(Math.min(pieceBytes, end - position + 1))
      const { bytesRead } = await file.read(buffer, 0, buffer.length, position)
      if (bytesRead === 0) break
      position += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
    // A rename over the file leaves ours whole, with no name; only a change in place tears what was read.
    const stats = await file.stat({ bigint: true })
    const isTorn = stats.nlink > 0n && revisionOf(stats) !== revision
    if (isTorn) throw new AshevilleError('unavailable', 'The file changed while it was read')
  } catch (error) {
    throw translateError(error)
  } finally {
    await file.close()
  }
}

async function storedFile(root: string, target: string): Promise<StoredFile | null> {
  const stats = await statSettled({ stat: () => lstat(target, { bigint: true }) } as Pick<FileHandle, 'stat'>)
  if (!stats.isFile()) return null
  const modified = new Date(Number(stats.mtimeNs / 1_000_000n)).toISOString()
  return { path: toPortPath(root, target), bytes: Number(stats.size), revision: revisionOf(stats), modified }
}

async function* walk(root: string, directory: string, signal: AbortSignal): AsyncGenerator<StoredFile> {
  const entries = await orNull<AsyncIterable<Dirent>>(() => opendir(directory))
  if (entries === null) return
  const folders: string[] = []
  for await (const entry of entries) {
    throwIfAborted(signal)
    const path = join(directory, entry.name)
    if (entry.isDirectory() && !(directory === root && entry.name === incoming)) folders.push(path)
    if (!entry.isFile()) continue
    const file = await orNull(() => storedFile(root, path))
    if (file) yield file
  }
  for (const folder of folders) yield* walk(root, folder, signal)
}

/** The space of the file system that the folder is, or will be, on. */
async function statfsAbove(directory: string): Promise<StatsFs> {
  try {
    return await statfs(directory)
  } catch (error) {
    if (isAbsent(error) && dirname(directory) !== directory) return statfsAbove(dirname(directory))
    throw translateError(error)
  }
}

/** Absence as null, every other failure as one of our kinds. */
async function orNull<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work()
  } catch (error) {
    if (isAbsent(error)) return null
    if (codeOf(error) === 'ELOOP') throw new AshevilleError('invalid', 'A link lies in the storage folder where a file should be')
    throw translateError(error)
  }
}

import { createHash, randomBytes } from 'node:crypto'
import { constants, type BigIntStats } from 'node:fs'
import { link, lstat, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join, relative, sep } from 'node:path'
import { checkedUpload, oneAtATime, throwIfAborted, type Upload } from '@asheville/core'
import { revisionOf } from './revision.ts'
import { incoming, partsOf, refuseLinks } from './safe-path.ts'
import { codeOf, isAbsent } from './translate-error.ts'

const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 8)
const processToken = randomBytes(6).toString('hex')

/** `<host>-<process id>-<this run of it>-<random>`: whoever finds the file can tell whether its writer still lives. */
const unfinishedName = () => `${host}-${process.pid}-${processToken}-${randomBytes(8).toString('hex')}`

/** A file in its place, and the directories to force to disk before it counts as stored. */
export interface Placed {
  stats: BigIntStats
  directories: string[]
}

/** For files whose check and replacement must not interleave with another's in this process, by absolute path. */
export const alone = oneAtATime()

/**
 * Writes one file whole or not at all: a temporary file in the same file system, checked against the size and hash that were
 * announced, forced to disk, then put in place by one system call.
 */
export async function writeFile(root: string, upload: Upload, signal: AbortSignal): Promise<Placed | 'conflict'> {
  throwIfAborted(signal)
  const target = join(root, ...partsOf(upload.path))
  const directories = await makeDirectory(root, dirname(target))
  const temporary = join(root, incoming, unfinishedName())
  try {
    await writeTemporary(temporary, upload, signal)
    throwIfAborted(signal)
    const stats = await alone(target, () => place(temporary, target, upload.replaces))
    return stats === 'conflict' ? 'conflict' : { stats, directories }
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined)
  }
}

/** Creates what is missing of a directory. Returns it, and above it every directory that got a new entry. */
async function makeDirectory(root: string, directory: string): Promise<string[]> {
  await mkdir(join(root, incoming), { recursive: true, mode: 0o700 })
  const first = await mkdir(directory, { recursive: true, mode: 0o750 })
  await refuseLinks(root, directory)
  if (first === undefined) return [directory]
  const created = [directory]
  for (let at = directory; at !== dirname(first); at = dirname(at)) created.push(dirname(at))
  return created
}

async function writeTemporary(path: string, upload: Upload, signal: AbortSignal): Promise<void> {
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o640)
  try {
    for await (const piece of checkedUpload(upload, signal)) await writeAll(file, piece)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function writeAll(
  file: { write(data: Uint8Array, offset: number): Promise<{ bytesWritten: number }> },
  data: Uint8Array,
): Promise<void> {
  for (let offset = 0; offset < data.byteLength;) offset += (await file.write(data, offset)).bytesWritten
}

/**
 * Puts the finished file in its place. Absence is checked by the file system itself (an exclusive link); a revision is compared
 * right before the rename, under a lock of this process (see README.md for what remains).
 */
async function place(temporary: string, target: string, replaces: Upload['replaces']): Promise<BigIntStats | 'conflict'> {
  if (replaces === null) {
    try {
      await link(temporary, target)
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return 'conflict'
      throw error
    }
    await rm(temporary)
  } else {
    if (replaces !== 'any') {
      const current = await lstat(target, { bigint: true }).catch((error: unknown) => {
        if (isAbsent(error)) return null
        throw error
      })
      if (current === null || !current.isFile() || revisionOf(current) !== replaces) return 'conflict'
    }
    await rename(temporary, target)
  }
  return lstat(target, { bigint: true })
}

/** Forces directory entries to disk: only then does a renamed file survive a power cut. */
export async function syncDirectories(directories: Iterable<string>): Promise<void> {
  for (const directory of new Set(directories)) {
    const handle = await open(directory, constants.O_RDONLY)
    try {
      await handle.sync()
    } catch (error) {
      // Windows and some network file systems cannot force a directory to disk; they order the rename themselves.
      if (!['EPERM', 'EISDIR', 'EINVAL', 'ENOTSUP'].includes(codeOf(error) ?? '')) throw error
    } finally {
      await handle.close()
    }
  }
}

const foreignAgeMs = 24 * 60 * 60_000

/** Removes unfinished files of writers that are no more: dead processes of this machine, and day-old ones of any other. */
export async function removeUnfinished(root: string): Promise<void> {
  const directory = join(root, incoming)
  const names = await readdir(directory).catch(() => [])
  for (const name of names) {
    const path = join(directory, name)
    if (await isAbandoned(path, name)) await rm(path, { force: true, recursive: true }).catch(() => undefined)
  }
}

async function isAbandoned(path: string, name: string): Promise<boolean> {
  const [writerHost, pid, token] = name.split('-')
  if (writerHost === host && /^\d+$/.test(pid ?? '')) {
    if (Number(pid) === process.pid) return token !== processToken
    return !isAlive(Number(pid))
  }
  const stats = await stat(path).catch(() => null)
  return stats !== null && Date.now() - stats.mtimeMs > foreignAgeMs
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

/** A path below the root as the port knows it. */
export function toPortPath(root: string, path: string): string {
  return relative(root, path).split(sep).join('/')
}

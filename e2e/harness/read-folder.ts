import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface FoundFile {
  kind: 'file' | 'other'
  bytes: number
  /** Empty for what is no file. */
  sha256: string
}

/** Everything below a folder that is no directory, by path with `/`; directories that are empty do not count. A folder that is absent is empty. */
export async function readFolder(folder: string): Promise<Map<string, FoundFile>> {
  const found = new Map<string, FoundFile>()
  async function walk(prefix: string): Promise<void> {
    const names = await readdir(join(folder, prefix)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' && prefix === '') return []
      throw error
    })
    for (const name of names.sort()) {
      const path = prefix === '' ? name : `${prefix}/${name}`
      const stats = await lstat(join(folder, path))
      if (stats.isDirectory()) await walk(path)
      else if (stats.isFile()) found.set(path, { kind: 'file', bytes: stats.size, sha256: await hashOf(join(folder, path), stats.size) })
      else found.set(path, { kind: 'other', bytes: 0, sha256: '' })
    }
  }
  await walk('')
  return found
}

/** Small files at once: that takes a fraction of the time of a stream. */
async function hashOf(file: string, bytes: number): Promise<string> {
  const hash = createHash('sha256')
  if (bytes <= 1024 ** 2) return hash.update(await readFile(file)).digest('hex')
  for await (const piece of createReadStream(file)) hash.update(piece as Buffer)
  return hash.digest('hex')
}

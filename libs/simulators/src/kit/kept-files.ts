import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'

/** Half-written files have this ending and are never read back. */
const unfinished = '.part'

/**
 * Keeps files in a folder of this machine, where people can look at them. `found` is what is there now, by path with `/`; what is put or
 * removed is written in that order. `settled` resolves once all of it is on the disk; rejects if some could not be written.
 */
export async function keepFiles(folder: string) {
  await mkdir(folder, { recursive: true })
  const found: { path: string; data: Buffer }[] = []
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name.endsWith(unfinished)) continue
    const file = join(entry.parentPath, entry.name)
    found.push({ path: relative(folder, file).split(sep).join('/'), data: await readFile(file) })
  }
  let work: Promise<void> = Promise.resolve()
  const next = (path: string, act: (place: string) => Promise<void>): void => {
    const place = join(folder, path)
    if (relative(folder, place).startsWith('..')) throw new Error(`${path} is outside of ${folder}`)
    work = work.then(() => act(place))
    // Whoever asks whether it is settled is told.
    work.catch(() => undefined)
  }
  return {
    found,
    put: (path: string, data: Uint8Array): void =>
      next(path, async (place) => {
        await mkdir(dirname(place), { recursive: true })
        await writeFile(`${place}${unfinished}`, data)
        await rename(`${place}${unfinished}`, place)
      }),
    remove: (path: string): void => next(path, (place) => rm(place, { recursive: true, force: true })),
    settled: (): Promise<void> => work,
  }
}
export type KeptFiles = Awaited<ReturnType<typeof keepFiles>>

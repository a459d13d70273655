import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { contentOf } from './content.ts'
import type { Change, Tree } from './tree.ts'

/** Half-written files have this ending and are never read back. */
const unfinished = '.part'

/**
 * Keeps what an account holds in a folder of this machine, where people can look at it: what is there is read now, and every change of the
 * tree is written. `settled` resolves once all changes so far are on the disk; rejects if one could not be written.
 */
export async function keepInFolder(folder: string, tree: Tree): Promise<{ settled(): Promise<void> }> {
  await mkdir(folder, { recursive: true })
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name.endsWith(unfinished)) continue
    const file = join(entry.parentPath, entry.name)
    tree.commit({
      path: `/${relative(folder, file)}`,
      mode: { '.tag': 'overwrite' },
      autorename: false,
      strictConflict: false,
      clientModified: null,
      content: contentOf([await readFile(file)]),
    })
  }
  let kept = tree.changeCount()
  let work: Promise<void> = Promise.resolve()
  tree.onChange(() => {
    work = work.then(async () => {
      while (kept < tree.changeCount()) await write(folder, tree, tree.changes[kept++]!)
    })
    // Whoever asks whether it is settled is told.
    work.catch(() => undefined)
  })
  return { settled: () => work }
}

async function write(folder: string, tree: Tree, change: Change): Promise<void> {
  const place = join(folder, change.path)
  if (relative(folder, place).startsWith('..')) throw new Error(`${change.path} is outside of ${folder}`)
  if (change.kind === 'gone') return rm(place, { recursive: true, force: true })
  const node = tree.get(change.key)
  if (node?.kind === 'folder') await mkdir(place, { recursive: true })
  if (node?.kind !== 'file') return
  await mkdir(dirname(place), { recursive: true })
  await writeFile(`${place}${unfinished}`, node.content.pieces)
  await rename(`${place}${unfinished}`, place)
}

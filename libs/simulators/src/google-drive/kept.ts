import { join } from 'node:path'
import { keepFiles } from '../kit/index.ts'
import { folderType, type Drive } from './drive.ts'

const marks = '.folders.json'

/** Keeps what an account holds in a folder of this machine, with what the app noted about its folders beside it. */
export async function keepDrive(folder: string, name: string, drive: Drive): Promise<{ settled(): Promise<void> }> {
  const kept = await keepFiles(join(folder, name))
  const known = new Map([['', drive.root]])
  const noted = kept.found.find(({ path }) => path === marks)
  const properties = noted ? (JSON.parse(noted.data.toString('utf8')) as Record<string, Record<string, string>>) : {}
  function folderAt(path: string): string {
    const found = known.get(path)
    if (found !== undefined) return found
    const [above, own] = split(path)
    const appProperties = properties[path] ?? {}
    const { id } = drive.create({ name: own, parent: folderAt(above), mimeType: folderType, appProperties }, null)
    known.set(path, id)
    return id
  }
  for (const path of Object.keys(properties)) folderAt(path)
  for (const { path, data } of kept.found) {
    if (path === marks) continue
    const [above, own] = split(path)
    drive.create({ name: own, parent: folderAt(above), mimeType: 'application/octet-stream', appProperties: {} }, data)
  }
  drive.watch({
    put: kept.put,
    remove: kept.remove,
    folders() {
      const noted = [...drive.files.values()].filter((file) => drive.isFolder(file) && Object.keys(file.appProperties).length > 0)
      kept.put(marks, Buffer.from(JSON.stringify(Object.fromEntries(noted.map((file) => [drive.pathOf(file), file.appProperties])))))
    },
  })
  return kept
}

function split(path: string): [above: string, name: string] {
  const slash = path.lastIndexOf('/')
  return [path.slice(0, Math.max(0, slash)), path.slice(slash + 1)]
}

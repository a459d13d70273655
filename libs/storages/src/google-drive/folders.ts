import { oneAtATime } from '@asheville/core'
import { said, type Client } from './client.ts'
import { find, folderType } from './find.ts'

/** What our own folder, and no other, has noted with it: it may be renamed and moved. */
const mark = { asheville: 'folder' }
const title = 'Asheville'

interface Folder {
  name: string
  parent: string
}

/** The folders below ours, which are few: all are asked for at once. Of several with one name the oldest counts, for everybody. */
export interface Folders {
  /** null: not there. Asked for again before that is said. */
  find(parts: readonly string[], signal: AbortSignal): Promise<string | null>
  /** Makes what is missing. */
  ensure(parts: readonly string[], signal: AbortSignal): Promise<string>
  /** This folder and all below it, with their paths (`''` for ours), as they are now; none where it is not there. */
  below(parts: readonly string[], signal: AbortSignal): Promise<Map<string, string>>
  /** One that was known is gone. */
  forget(): void
}

const alone = oneAtATime()

/** @param account folders of one account are made one after another */
export function createFolders(client: Client, account: string): Folders {
  let known: Map<string, Folder> | null = null
  let root: string | null = null

  async function load(signal: AbortSignal): Promise<void> {
    const all = new Map<string, Folder>()
    let top: string | null = null
    for await (const folder of find(client, `mimeType = '${folderType}'`, 'id,name,parents,appProperties', signal)) {
      all.set(said(folder.id), { name: folder.name ?? '', parent: folder.parents?.[0] ?? '' })
      if (folder.appProperties?.['asheville'] === mark.asheville) top ??= said(folder.id)
    }
    known = all
    root = top
  }

  function childOf(parent: string, name: string): string | null {
    for (const [id, folder] of known ?? []) if (folder.parent === parent && folder.name === name) return id
    return null
  }

  /** How far a path leads: the last folder that is there, and the parts that are missing below it. */
  function walk(parts: readonly string[]): { id: string | null; missing: readonly string[] } {
    let id = root
    for (const [index, part] of parts.entries()) {
      const next = id === null ? null : childOf(id, part)
      if (next === null) return { id, missing: parts.slice(index) }
      id = next
    }
    return { id, missing: [] }
  }

  const found = (parts: readonly string[]): string | null => {
    const { id, missing } = walk(parts)
    return missing.length === 0 ? id : null
  }

  async function findFolder(parts: readonly string[], signal: AbortSignal): Promise<string | null> {
    const id = known && found(parts)
    if (id !== null) return id
    await load(signal)
    return found(parts)
  }

  async function make(name: string, parent: string | null, signal: AbortSignal): Promise<[string, Folder]> {
    const requestBody = { name, mimeType: folderType, ...(parent === null ? { appProperties: mark } : { parents: [parent] }) }
    const made = await client.call(signal, (sdk, options) => sdk.files.create({ requestBody, fields: 'id,parents' }, options))
    return [said(made.id), { name, parent: made.parents?.[0] ?? '' }]
  }

  return {
    find: findFolder,

    ensure: async (parts, signal) =>
      (known && found(parts)) ??
      alone(account, async () => {
        const there = await findFolder(parts, signal)
        if (there !== null) return there
        const made: [string, Folder][] = []
        const { id: last, missing } = walk(parts)
        let id = last
        for (const name of last === null ? [title, ...missing] : missing) {
          const folder = await make(name, id, signal)
          made.push(folder)
          ;[id] = folder
        }
        // Another process may have made the same: whose is older counts for both.
        await load(signal)
        const agreed = found(parts)
        if (agreed !== null) return agreed
        // Lists may lag behind.
        root ??= made[0]![0]
        for (const [one, folder] of made) known?.set(one, folder)
        return id!
      }),

    async below(parts, signal) {
      await load(signal)
      const paths = new Map<string, string>()
      const add = (id: string, path: string): void => {
        if (paths.has(id)) return
        paths.set(id, path)
        for (const [inner, { parent, name }] of known!)
          if (parent === id && childOf(id, name) === inner) add(inner, path === '' ? name : `${path}/${name}`)
      }
      const top = found(parts)
      if (top !== null) add(top, parts.join('/'))
      return paths
    },

    forget() {
      known = null
    },
  }
}

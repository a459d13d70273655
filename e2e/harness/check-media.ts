import type { ExpectedItem, Report } from './expected.ts'
import type { StoredItem } from './check-page.ts'
import type { FoundFile } from './read-folder.ts'

/** Keeps books of the files below `media/`, and of what items say of them. */
export function createMediaCheck(files: ReadonlyMap<string, FoundFile>, report: Report) {
  const media = new Map([...files].filter(([path]) => isMedia(path)))
  const wanted = new Set<string>()

  /** An item's files: those that it should have, and those that it says it has. */
  function checkItem(item: StoredItem, expected: ExpectedItem | null, path: string): void {
    const where = { id: item.id, path }
    const had = new Set<string>()
    for (const file of filesOf(item)) {
      const state = file['asheville:state']
      if (state !== 'stored') {
        report('lost', where, `its file ${String(file['url'])} is ${String(state)}: ${String(file['asheville:reason'])}`)
        continue
      }
      const { 'asheville:path': at, 'asheville:sha256': sha256, 'asheville:bytes': bytes } = file
      const found = typeof at === 'string' ? media.get(at) : undefined
      if (typeof at !== 'string' || found === undefined) {
        report('lost', where, `its file ${String(at)} is not there`)
        continue
      }
      wanted.add(at)
      if (found.sha256 !== sha256 || found.bytes !== bytes)
        report(
          'differing',
          where,
          `its file ${at} has ${found.bytes} bytes of hash ${found.sha256}, not ${String(bytes)} of ${String(sha256)}`,
        )
      had.add(found.sha256)
    }
    if (expected === null) return
    const should = new Map(expected.media.map((one) => [one.sha256, one]))
    for (const { sha256, bytes } of should.values())
      if (!had.has(sha256)) report('lost', where, `lacks its file of ${bytes} bytes and hash ${sha256}`)
    for (const sha256 of had) if (!should.has(sha256)) report('differing', where, `has a file that is not its own, of hash ${sha256}`)
  }

  /** What only shows when all items were seen. */
  function checkAll(): void {
    const byHash = new Map<string, string>()
    for (const [path, { sha256 }] of media) {
      const name = /([0-9a-f]{16,64})\.[a-z0-9]+$/.exec(path)?.[1]
      if (name === undefined || !sha256.startsWith(name)) report('differing', { path }, `its name is not that of its content, ${sha256}`)
      const twin = byHash.get(sha256)
      if (twin !== undefined) report('doubled', { path }, `has the same content as ${twin}`)
      byHash.set(sha256, path)
      if (!wanted.has(path)) report('leftover', { path }, 'belongs to no item')
    }
  }

  const bytes = [...media.values()].reduce((sum, file) => sum + file.bytes, 0)
  return { checkItem, checkAll, files: media.size, bytes }
}

export function isMedia(path: string): boolean {
  return /^media\/(\d{4}\/\d{2}|undated)\/[^/]+$/.test(path)
}

/** Every file that an object, or the object that it is about, says something of. */
function filesOf(object: Record<string, unknown>): Record<string, unknown>[] {
  const own = ['attachment', 'image', 'icon'].flatMap((name) => [object[name]].flat()).filter(isRecord)
  const inner = isRecord(object['object']) ? filesOf(object['object']) : []
  return [...own.filter((file) => file['asheville:state'] !== undefined), ...inner]
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

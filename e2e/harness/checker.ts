import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { checkIndex, checkManifest, type FiledItem } from './check-index.ts'
import { createMediaCheck, isMedia } from './check-media.ts'
import { checkNames } from './check-names.ts'
import { checkPage, pagePlaceOf, type PagePlace, type StoredItem } from './check-page.ts'
import {
  findingKinds,
  type ExpectedAccount,
  type ExpectedItem,
  type Finding,
  type FindingKind,
  type IndexView,
  type Report,
} from './expected.ts'
import { readFolder } from './read-folder.ts'

export interface CheckOptions {
  /** The person's folder. */
  folder: string
  /** What every account that the person connected should have brought. */
  expected: readonly ExpectedAccount[]
  /** Compared with the files where it is given. */
  index?: IndexView
  /** Whether what is written once per sync (README.txt, asheville.json, profiles) must be there; yes unless said otherwise. */
  isFinished?: boolean
}

export interface Verdict {
  /** Nothing was found. */
  ok: boolean
  counts: { expected: number; items: number; pages: number; media: number } & Record<FindingKind, number>
  findings: Finding[]
}

/**
 * Compares a person's folder with what the networks say they should have, as a judge who knows the promise alone: nothing of the services'
 * code is used. The folder must be at rest. JSON through and through, for reports.
 */
export async function check({ folder, expected, index, isFinished = true }: CheckOptions): Promise<Verdict> {
  const findings: Finding[] = []
  const report: Report = (kind, where, detail) => void findings.push({ kind, ...where, detail })
  const files = await readFolder(folder)
  checkNames(files.keys(), report)
  for (const [path, { kind }] of files) {
    if (kind === 'other') report('unsafe-name', { path }, 'is a link or device, not a file')
    else if (!isKnown(path)) report('leftover', { path }, 'is no file of the layout')
  }

  const media = createMediaCheck(files, report)
  const wanted = createWanted(expected, report)
  const filed: FiledItem[] = []
  const places = [...files.keys()].flatMap((path) => pagePlaceOf(path) ?? [])
  for (const place of places) {
    if (place.part > 1 && !files.has(place.path.replace(/\.\d+\.json$/, place.part === 2 ? '.json' : `.${place.part - 1}.json`)))
      report('out-of-order', { path: place.path }, 'goes on where there is no part before it')
    for (const item of checkPage(place, await readFile(join(folder, place.path), 'utf8'), report)) {
      const expectedItem = wanted.meet(place, item)
      media.checkItem(item, expectedItem, place.path)
      // What was looked at need not be held: a large folder is many times the memory.
      filed.push({ place, item: { id: item.id, 'asheville:at': item['asheville:at'], 'asheville:goneAt': item['asheville:goneAt'] } })
    }
  }
  wanted.end()
  media.checkAll()
  if (index) checkIndex(index, filed, media, report)
  if (isFinished) await checkDocuments()

  async function checkDocuments(): Promise<void> {
    const accounts = new Set(places.map(({ network, folder: account }) => `${network}/${account}/profile.json`))
    for (const path of ['README.txt', 'asheville.json', ...accounts]) if (!files.has(path)) report('lost', { path }, 'is not there')
    if (files.has('asheville.json')) checkManifest(await readFile(join(folder, 'asheville.json'), 'utf8'), { filed, files, media }, report)
  }

  const counts = Object.fromEntries(findingKinds.map((kind) => [kind, findings.filter((one) => one.kind === kind).length]))
  return {
    ok: findings.length === 0,
    counts: {
      expected: expected.reduce((sum, { items }) => sum + items.length, 0),
      items: filed.length,
      pages: places.length,
      media: media.files,
      ...(counts as Record<FindingKind, number>),
    },
    findings,
  }
}

/** What is expected, ticked off as it is met. */
function createWanted(expected: readonly ExpectedAccount[], report: Report) {
  type Entry = { item: ExpectedItem; path: string | null }
  const entries = new Map<string, Entry>()
  const strangers = new Map<string, string>()
  const nameOf = (network: string, folder: string | undefined, contentType: string, id: string): string =>
    JSON.stringify([network, folder ?? null, contentType, id])
  for (const { network, folder, items } of expected)
    for (const item of items) entries.set(nameOf(network, folder, item.contentType, item.id), { item, path: null })

  return {
    meet({ path, network, folder, contentType }: PagePlace, item: StoredItem): ExpectedItem | null {
      const where = { id: item.id, path }
      const entry =
        entries.get(nameOf(network, folder, contentType, item.id)) ?? entries.get(nameOf(network, undefined, contentType, item.id))
      const name = nameOf(network, folder, contentType, item.id)
      const before = entry ? entry.path : (strangers.get(name) ?? null)
      if (before !== null) report('doubled', where, before === path ? 'is there twice' : `is in ${before} too`)
      if (entry === undefined) {
        // What was deleted at its network stays, marked as such.
        if (item['asheville:goneAt'] === undefined) report('unexpected', where, 'was published by nobody')
        strangers.set(name, path)
        return null
      }
      entry.path = path
      for (const detail of differences(item, entry.item)) report('differing', where, detail)
      return entry.item
    },
    end(): void {
      for (const { item, path } of entries.values()) if (path === null) report('lost', { id: item.id }, `of ${item.contentType} is nowhere`)
    },
  }
}

function differences(stored: StoredItem, { at, says }: ExpectedItem): string[] {
  const found: string[] = []
  if (at !== undefined && stored['asheville:at'] !== at) found.push(`is of ${String(stored['asheville:at'])}, not of ${String(at)}`)
  if (stored['asheville:goneAt'] !== undefined) found.push('is marked as gone, and is not')
  for (const [path, wanted] of Object.entries(says)) {
    const value = valueAt(stored, path)
    const isRight = typeof wanted === 'function' ? (wanted as (value: unknown) => boolean)(value) : isDeepStrictEqual(value, wanted)
    if (!isRight) found.push(`${path} says ${short(value)}${typeof wanted === 'function' ? '' : `, not ${short(wanted)}`}`)
  }
  return found
}

function valueAt(object: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (value, name) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined),
      object,
    )
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}

function isKnown(path: string): boolean {
  return (
    ['README.txt', 'index.html', 'asheville.json', 'decisions.json'].includes(path) ||
    /^viewer\/[\w.-]+\.js$/.test(path) ||
    /^[^/.][^/]*\/[^/]+\/profile\.json$/.test(path) ||
    (pagePlaceOf(path) !== null && !path.startsWith('media/') && !path.startsWith('.')) ||
    isMedia(path)
  )
}

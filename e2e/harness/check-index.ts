import type { IndexView, Report } from './expected.ts'
import type { PagePlace, StoredItem } from './check-page.ts'
import type { FoundFile } from './read-folder.ts'

export interface FiledItem {
  place: PagePlace
  item: StoredItem
}

/** Compares platform's index with the files, item by item and in sum. */
export function checkIndex(index: IndexView, filed: readonly FiledItem[], media: { files: number; bytes: number }, report: Report): void {
  const nameOf = (item: { network: string; contentType: string; path: string; id: string }): string =>
    JSON.stringify([item.network, item.contentType, item.path, item.id])
  const indexed = new Map<string, IndexView['items'][number]>()
  for (const entry of index.items) {
    if (indexed.has(nameOf(entry))) report('index', { id: entry.id, path: entry.path }, 'is in the index twice')
    indexed.set(nameOf(entry), entry)
  }
  for (const { place, item } of filed) {
    const { id } = item
    const where = { id, path: place.path }
    const name = nameOf({ ...place, id })
    const entry = indexed.get(name)
    indexed.delete(name)
    if (entry === undefined) report('index', where, 'is not in the index')
    else if (entry.at !== item['asheville:at']) report('index', where, `is of ${String(entry.at)} in the index`)
    else if (entry.isGone !== (item['asheville:goneAt'] !== undefined))
      report('index', where, 'is gone in the index alone, or not there alone')
  }
  for (const { id, path } of indexed.values()) report('index', { id, path }, 'is in the index, and not in that file')

  const sums = sumsOf(filed)
  for (const { network, contentType, items, gone } of index.counts) {
    const name = `${network} ${contentType}`
    const sum = sums.get(name) ?? { items: 0, gone: 0 }
    sums.set(name, { items: sum.items - items, gone: sum.gone - gone })
  }
  for (const [name, { items, gone }] of sums)
    if (items !== 0 || gone !== 0) report('index', {}, `the count of ${name} is ${-items} too high, of those gone ${-gone}`)
  if (index.media.files !== media.files || index.media.bytes !== media.bytes)
    report('index', {}, `counts ${index.media.files} files of ${index.media.bytes} bytes; there are ${media.files} of ${media.bytes}`)
}

/** Compares the manifest with the files that it lists. */
export function checkManifest(
  text: string,
  { filed, files, media }: { filed: readonly FiledItem[]; files: ReadonlyMap<string, FoundFile>; media: { files: number; bytes: number } },
  report: Report,
): void {
  const path = 'asheville.json'
  let manifest: Manifest
  try {
    manifest = JSON.parse(text) as Manifest
    if (!Array.isArray(manifest.pages) || !Array.isArray(manifest.accounts)) throw new Error('it has no lists')
  } catch (error) {
    return report('invalid', { path }, `cannot be read: ${String(error)}`)
  }
  const left = new Map<string, number>()
  for (const { place } of filed) left.set(place.path, (left.get(place.path) ?? 0) + 1)
  for (const page of manifest.pages) {
    const items = left.get(page.path)
    left.delete(page.path)
    const sha256 = files.get(page.path)?.sha256
    if (sha256 === undefined) report('index', { path }, `lists ${page.path}, which is not there`)
    else if (sha256 !== page.sha256) report('index', { path }, `lists another version of ${page.path}`)
    else if (items !== page.items) report('index', { path }, `counts ${page.items} items in ${page.path}; there are ${items ?? 0}`)
  }
  for (const missing of left.keys()) report('index', { path }, `does not list ${missing}`)
  if (manifest.media?.files !== media.files || manifest.media?.bytes !== media.bytes)
    report(
      'index',
      { path },
      `counts ${manifest.media?.files} media files of ${manifest.media?.bytes} bytes; there are ${media.files} of ${media.bytes}`,
    )
  const sums = sumsOf(filed, true)
  for (const { folder, counts } of manifest.accounts) {
    for (const [contentType, { items, gone }] of Object.entries(counts)) {
      const sum = sums.get(`${folder} ${contentType}`)
      sums.delete(`${folder} ${contentType}`)
      if (sum?.items !== items || sum.gone !== gone)
        report('index', { path }, `counts ${items} of ${contentType} in ${folder}; there are ${sum?.items ?? 0}`)
    }
  }
  for (const [name, { items }] of sums) report('index', { path }, `does not count the ${items} of ${name}`)
}

interface Manifest {
  pages: { path: string; items: number; sha256: string }[]
  accounts: { folder: string; counts: Record<string, { items: number; gone: number }> }[]
  media?: { files: number; bytes: number }
}

function sumsOf(filed: readonly FiledItem[], byAccount = false): Map<string, { items: number; gone: number }> {
  const sums = new Map<string, { items: number; gone: number }>()
  for (const { place, item } of filed) {
    const name = byAccount ? `${place.network}/${place.folder} ${place.contentType}` : `${place.network} ${place.contentType}`
    const sum = sums.get(name) ?? { items: 0, gone: 0 }
    sums.set(name, { items: sum.items + 1, gone: sum.gone + (item['asheville:goneAt'] === undefined ? 0 : 1) })
  }
  return sums
}

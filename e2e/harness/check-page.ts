import { objectFaults } from './check-object.ts'
import type { Report } from './expected.ts'

/** Where a page lies: `<network>/<folder>/<contentType>/2024-03.2.json`. */
export interface PagePlace {
  path: string
  network: string
  folder: string
  contentType: string
  /** `2024-03` or `undated`. */
  month: string
  part: number
}

export type StoredItem = Record<string, unknown> & { id: string }

const activityStreams = 'https://www.w3.org/ns/activitystreams'

export function pagePlaceOf(path: string): PagePlace | null {
  const match = /^([^/]+)\/([^/]+)\/([^/]+)\/(\d{4}-(?:0[1-9]|1[0-2])|undated)(?:\.([1-9]\d*))?\.json$/.exec(path)
  if (!match) return null
  const [, network = '', folder = '', contentType = '', month = '', part] = match
  return part === '1' ? null : { path, network, folder, contentType, month, part: Number(part ?? 1) }
}

/**
 * Reports what is wrong with a page as a page (OrderedCollectionPage: https://www.w3.org/TR/activitystreams-core/#paging), with its items as
 * Activity Streams, and with their order. Answers the items that have an id.
 */
export function checkPage(place: PagePlace, text: string, report: Report): StoredItem[] {
  const { path } = place
  const page = parsed(text)
  if (page === null) {
    report('invalid', { path }, 'is not JSON')
    return []
  }
  const { '@context': context, type, orderedItems } = page
  if (![context].flat().includes(activityStreams)) report('invalid', { path }, 'has no context of Activity Streams')
  if (type !== 'OrderedCollectionPage') report('invalid', { path }, `is a ${JSON.stringify(type)}, not an OrderedCollectionPage`)
  for (const name of ['network', 'contentType'] as const) {
    const said = page[`asheville:${name}`]
    if (said !== place[name]) report('invalid', { path }, `lies in the folder of ${place[name]}, but says ${JSON.stringify(said)}`)
  }
  if (!Array.isArray(orderedItems)) {
    report('invalid', { path }, 'has no list of items')
    return []
  }
  if (orderedItems.length === 0) report('leftover', { path }, 'is empty')
  return checkItems(place, orderedItems, report)
}

function checkItems({ path, month }: PagePlace, orderedItems: readonly unknown[], report: Report): StoredItem[] {
  const items: StoredItem[] = []
  let last = ''
  orderedItems.forEach((value, index) => {
    const item = value as StoredItem
    const hasId = typeof value === 'object' && value !== null && typeof item.id === 'string'
    const where = hasId ? { path, id: item.id } : { path }
    for (const fault of objectFaults(value)) report('invalid', where, hasId ? fault : `item ${index}: ${fault}`)
    if (!hasId) return
    items.push(item)
    const at = item['asheville:at']
    if (at !== null && typeof at !== 'string') return report('invalid', where, 'does not say when it was')
    if (at !== null && new Date(at).toJSON() !== at) return report('invalid', where, `${JSON.stringify(at)} is no instant in UTC`)
    const own = at === null ? 'undated' : at.slice(0, 7)
    if (own !== month) return report('out-of-order', where, `is of ${own}`)
    if (at !== null && at < last) report('out-of-order', where, `of ${at} comes after ${last}`)
    last = at ?? ''
  })
  return items
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

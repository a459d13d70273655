import type { StoredItem } from '@asheville/clients'
import { contentTypeSchema, type ContentType } from '@asheville/core'
import { page, type Binding } from '@asheville/service'
import { itemView } from '../../item-view.ts'
import { daysOf, monthOf, monthsOf } from './calendar.ts'
import { sessionOf, type Site } from '../../site.ts'

const pageSize = 24

interface Filter {
  words: string | null
  network: string | null
  contentType: ContentType | null
  from: string | null
  to: string | null
}

/** `/browse`: everything that was copied, newest first, by words, network, content type and date. */
export function browsePages(site: Site): Binding[] {
  return [
    page('GET', '/browse', { who: 'person' }, async (visit) => {
      const { t, fmt } = site.texts(visit)
      const userId = sessionOf(site, visit).user.id
      const { platform } = site.backends(visit)
      const filter = readFilter(visit.query)
      const cursor = visit.query.cursor && visit.query.cursor.length <= 500 ? visit.query.cursor : undefined
      const query = {
        ...(filter.words && { words: filter.words }),
        ...(filter.network && { network: filter.network }),
        ...(filter.contentType && { contentType: filter.contentType }),
        ...(filter.from && { from: `${filter.from}T00:00:00.000Z` }),
        ...(filter.to && { to: new Date(Date.parse(`${filter.to}T00:00:00.000Z`) + 86_400_000).toISOString() }),
      }
      const chosenMonth = monthOf(filter)
      const [{ items, next }, { counts }, { dates }] = await Promise.all([
        platform.listItems({ query: { ...query, copies: 'once', limit: pageSize, ...(cursor && { cursor }) }, userId }),
        platform.getCounts({ userId }),
        platform.getCalendar({ query: { ...query, by: chosenMonth ? 'day' : 'month' }, userId }),
      ])
      const total = counts.reduce((sum, { items: count }) => sum + count, 0)
      site.show(visit, {
        view: 'pages/browse/view.ejs',
        title: t('browse.title'),
        nav: 'browse',
        model: {
          filter,
          isFiltered: Object.values(filter).some((value) => value !== null),
          isFirstPage: cursor === undefined,
          total,
          networks: choices(counts, ({ network }) => network, filter.network).map((id) => ({ id, title: site.networkTitle(id) })),
          contentTypes: choices(counts, ({ contentType }) => contentType, filter.contentType),
          months: byMonth(items).map(({ month, items: inMonth }) => ({
            name: month === null ? null : fmt.month(month),
            items: inMonth.map((item) => ({
              ...itemView(item, site.networkTitle(item.network), t),
              also: (item.copies ?? []).map(({ network }) => ({ network, title: site.networkTitle(network) })),
            })),
          })),
          calendar: chosenMonth
            ? daysOf(chosenMonth, dates, (from, to) => browseHref({ ...filter, from, to }, null))
            : monthsOf(dates, (from, to) => browseHref({ ...filter, from, to }, null)),
          calendarMonth: chosenMonth && fmt.month(chosenMonth),
          allMonths: chosenMonth && browseHref({ ...filter, from: null, to: null }, null),
          older: next === null ? null : browseHref(filter, next),
          newest: browseHref(filter, null),
        },
      })
    }),
  ]
}

/** Only what can be meant; anything else in the address counts as not given. */
export function readFilter(query: Readonly<Record<string, string>>): Filter {
  const day = (value: string | undefined) => (value && /^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(Date.parse(value)) ? value : null)
  return {
    words: query.words?.trim().slice(0, 200) || null,
    network: query.network && /^[a-z0-9-]{1,40}$/.test(query.network) ? query.network : null,
    contentType: contentTypeSchema.safeParse(query.type).data ?? null,
    from: day(query.from),
    to: day(query.to),
  }
}

export function browseHref({ words, network, contentType, from, to }: Filter, cursor: string | null): string {
  const given = Object.entries({ words, network, type: contentType, from, to, cursor }).filter(
    (entry): entry is [string, string] => entry[1] !== null,
  )
  return given.length === 0 ? '/browse' : `/browse?${new URLSearchParams(given)}`
}

/** Months as they come, newest first; as in the storage, a month is one of UTC. */
function byMonth(items: readonly StoredItem[]): { month: string | null; items: StoredItem[] }[] {
  const groups: { month: string | null; items: StoredItem[] }[] = []
  for (const item of items) {
    const month = item.at?.slice(0, 7) ?? null
    const last = groups.at(-1)
    if (last && last.month === month) last.items.push(item)
    else groups.push({ month, items: [item] })
  }
  return groups
}

/** What the person has of it, most first; what is chosen is always among them. */
function choices<Count extends { items: number }, Value extends string>(
  counts: readonly Count[],
  valueOf: (count: Count) => Value,
  chosen: Value | null,
): Value[] {
  const sums = new Map<Value, number>()
  for (const count of counts) sums.set(valueOf(count), (sums.get(valueOf(count)) ?? 0) + count.items)
  const kept = [...sums]
    .filter(([, sum]) => sum > 0)
    .sort((a, b) => b[1] - a[1])
    .map(([value]) => value)
  return chosen === null || kept.includes(chosen) ? kept : [...kept, chosen]
}

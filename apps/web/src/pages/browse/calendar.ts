/** A field of the calendar: `shade` is how much of the fullest one it has, from 0 for nothing to 4. */
export interface Field {
  /** `2024-03`, or `2024-03-05`. */
  date: string
  items: number
  shade: number
  href: string
}

/** Its rows: years with their months, newest first, or weeks with their days; null: no such day in that month. */
export interface Calendar {
  by: 'month' | 'day'
  rows: { year: string; fields: (Field | null)[] }[]
}

interface Count {
  date: string
  items: number
}

/** Where a field leads: to what is of those days, both included. */
type HrefOf = (from: string, to: string) => string

const two = (number: number) => String(number).padStart(2, '0')

/** Years from the first that has anything to the last. */
export function monthsOf(counts: readonly Count[], hrefOf: HrefOf): Calendar {
  const shadeOf = shades(counts)
  const byMonth = new Map(counts.map(({ date, items }) => [date, items]))
  const years = [...new Set(counts.map(({ date }) => date.slice(0, 4)))].sort().reverse()
  return {
    by: 'month',
    rows: years.map((year) => ({
      year,
      fields: Array.from({ length: 12 }, (_, index): Field => {
        const date = `${year}-${two(index + 1)}`
        const items = byMonth.get(date) ?? 0
        return { date, items, shade: shadeOf(items), href: hrefOf(`${date}-01`, `${date}-${two(daysIn(date))}`) }
      }),
    })),
  }
}

/** Weeks from Monday on. */
export function daysOf(month: string, counts: readonly Count[], hrefOf: HrefOf): Calendar {
  const shadeOf = shades(counts)
  const byDay = new Map(counts.map(({ date, items }) => [date, items]))
  const before = (new Date(`${month}-01T00:00:00.000Z`).getUTCDay() + 6) % 7
  const days = daysIn(month)
  const fields = Array.from({ length: Math.ceil((before + days) / 7) * 7 }, (_, index): Field | null => {
    const day = index - before + 1
    if (day < 1 || day > days) return null
    const date = `${month}-${two(day)}`
    const items = byDay.get(date) ?? 0
    return { date, items, shade: shadeOf(items), href: hrefOf(date, date) }
  })
  const weeks = Array.from({ length: fields.length / 7 }, (_, week) => fields.slice(7 * week, 7 * week + 7))
  return { by: 'day', rows: weeks.map((week) => ({ year: '', fields: week })) }
}

/** The month that the dates lie in, both of them; null: there is none, or more than one. */
export function monthOf({ from, to }: { from: string | null; to: string | null }): string | null {
  return from !== null && to !== null && from.slice(0, 7) === to.slice(0, 7) ? from.slice(0, 7) : null
}

function daysIn(month: string): number {
  return new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5, 7)), 0)).getUTCDate()
}

/** By the square root: what is little can still be told from nothing beside what is very much. */
function shades(counts: readonly Count[]): (items: number) => number {
  const most = Math.max(1, ...counts.map(({ items }) => items))
  return (items) => (items === 0 ? 0 : Math.max(1, Math.ceil(4 * Math.sqrt(items / most))))
}

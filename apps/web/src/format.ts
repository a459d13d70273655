import { html, type SafeHtml } from './html.ts'
import type { Locale } from './i18n.ts'

export type TimeStyle = 'day' | 'moment' | 'clock' | 'month'

/** How numbers, sizes and instants are written for one person. */
export interface Format {
  number(value: number): string
  /** Bytes in a unit that reads well: `3.4 MB`. */
  bytes(value: number): string
  /** A `<time>` element; a script rewrites it into the browser's own time zone. */
  time(instant: string, style: TimeStyle): SafeHtml
  /** `3 minutes ago`, `in 12 minutes`; a `<time>` element that tells the moment when pointed at. */
  relative(instant: string): SafeHtml
  plainTime(instant: string, style: TimeStyle): string
  /** How long, in the one unit that reads well: `3 minutes`. Rounded up, so that it is never over before it began. */
  duration(seconds: number): string
  /** `Mastodon, Bluesky, and Twitter`. */
  list(names: readonly string[]): string
  /** `2025-03` → `March 2025`. */
  month(yearAndMonth: string): string
  /** As short as they get, from January on: `J`. */
  monthNames(): string[]
  /** From Monday on: `M`. */
  weekdayNames(): string[]
}

export const timeStyles: Record<TimeStyle, Intl.DateTimeFormatOptions> = {
  day: { dateStyle: 'medium' },
  moment: { dateStyle: 'medium', timeStyle: 'short' },
  clock: { timeStyle: 'short' },
  month: { month: 'long', year: 'numeric' },
}

const spans: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_557_600_000],
  ['month', 2_629_800_000],
  ['week', 604_800_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
]

const lengths = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const

const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const

export function createFormat(locale: Locale, now: () => Date = () => new Date()): Format {
  const numbers = new Intl.NumberFormat(locale)
  const relatives = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' })
  const times = Object.fromEntries(
    Object.entries(timeStyles).map(([style, options]) => [style, new Intl.DateTimeFormat(locale, options)]),
  ) as Record<TimeStyle, Intl.DateTimeFormat>
  const plainTime = (instant: string, style: TimeStyle): string => times[style].format(new Date(instant))

  const months = new Intl.DateTimeFormat(locale, { ...timeStyles.month, timeZone: 'UTC' })

  const shortMonths = new Intl.DateTimeFormat(locale, { month: 'narrow', timeZone: 'UTC' })
  const shortWeekdays = new Intl.DateTimeFormat(locale, { weekday: 'narrow', timeZone: 'UTC' })

  return {
    monthNames: () => Array.from({ length: 12 }, (_, month) => shortMonths.format(Date.UTC(2024, month))),
    // That first of January was a Monday.
    weekdayNames: () => Array.from({ length: 7 }, (_, day) => shortWeekdays.format(Date.UTC(2024, 0, day + 1))),
    month: (yearAndMonth) => months.format(new Date(`${yearAndMonth}-01T00:00:00.000Z`)),
    list: (names) => new Intl.ListFormat(locale).format(names),
    number: (value) => numbers.format(value),
    bytes(value) {
      const power = Math.min(units.length - 1, value < 1 ? 0 : Math.floor(Math.log10(value) / 3))
      const scaled = value / 1000 ** power
      return new Intl.NumberFormat(locale, {
        style: 'unit',
        unit: units[power] ?? 'byte',
        unitDisplay: power === 0 ? 'long' : 'short',
        maximumFractionDigits: power === 0 || scaled >= 100 ? 0 : 1,
      }).format(scaled)
    },
    plainTime,
    duration(seconds) {
      const [unit, length] = lengths.find(([, length]) => seconds >= length) ?? ['second', 1]
      const format = new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' })
      return format.format(Math.max(1, Math.ceil(seconds / length)))
    },
    time: (instant, style) => html`<time datetime="${instant}" data-style="${style}">${plainTime(instant, style)}</time>`,
    relative(instant) {
      const distance = Date.parse(instant) - now().getTime()
      const [unit, length] = spans.find(([, span]) => Math.abs(distance) >= span) ?? ['minute', 60_000]
      const text = relatives.format(Math.abs(distance) < 60_000 ? 0 : Math.round(distance / length), unit as Intl.RelativeTimeFormatUnit)
      return html`<time datetime="${instant}" title="${plainTime(instant, 'moment')}">${text}</time>`
    },
  }
}

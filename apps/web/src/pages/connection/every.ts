import type { Translate } from '../../i18n.ts'

/** `Every 15 minutes`, `Every 6 hours`, `Once a day`; null: as often as there is something new. */
export function everyText(minutes: number | null, t: Translate): string {
  if (minutes === null) return t('schedule.own')
  if (minutes === 1440) return t('schedule.day')
  return minutes % 60 === 0 ? t('schedule.hours', { count: minutes / 60 }) : t('schedule.minutes', { count: minutes })
}

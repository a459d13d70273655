import { AshevilleError } from '@asheville/core'
import type { Form } from '@asheville/service'
import type { Translate } from './i18n.ts'

/** What is wrong with a form: by field name, and what belongs to no field. */
export interface FormFaults {
  fields: Record<string, string>
  whole: string | null
}

export const noFaults: FormFaults = { fields: {}, whole: null }

/**
 * What a refusal of another service means for the form that was sent: `invalid`, `conflict`, `unauthenticated`,
 * `rate-limited`, and what could not be reached are shown where the person acts; anything else is thrown on.
 */
export function faultsOf(error: unknown, fieldNames: readonly string[], t: Translate): FormFaults {
  if (!(error instanceof AshevilleError)) throw error
  if (error.kind === 'rate-limited') {
    const minutes = Math.max(1, Math.ceil((error.retryAfterMs ?? 60_000) / 60_000))
    return { fields: {}, whole: t('form.too-often', { count: minutes }) }
  }
  if (error.kind === 'unavailable' && !error.faults) return { fields: {}, whole: t('form.unavailable', { reason: error.message }) }
  if (!['invalid', 'unavailable', 'conflict', 'unauthenticated', 'not-found', 'reconnect-required', 'forbidden'].includes(error.kind))
    throw error
  const fields: Record<string, string> = {}
  const others: string[] = []
  for (const { pointer, message } of error.faults ?? []) {
    const name = pointer.split('/').at(-1) ?? ''
    const words = error.kind === 'unavailable' ? t('form.unavailable-there', { reason: message }) : message
    if (fieldNames.includes(name)) fields[name] ??= words
    else others.push(words)
  }
  const isPlaced = Object.keys(fields).length > 0
  return { fields, whole: isPlaced ? (others[0] ?? null) : (others[0] ?? error.message) }
}

/** HTTP status of a form that is shown again with faults. */
export function statusOf(error: unknown): number {
  const kind = error instanceof AshevilleError ? error.kind : 'unexpected'
  return { unavailable: 503, 'rate-limited': 429, unauthenticated: 401, forbidden: 403, conflict: 409 }[kind as string] ?? 422
}

/** One value of a form as text; the last where it is repeated, empty where it is missing. */
export function textOf(form: Form | null, name: string): string {
  const value = form?.[name]
  return typeof value === 'string' ? value : (value?.at(-1) ?? '')
}

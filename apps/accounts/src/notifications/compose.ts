import { readFileSync } from 'node:fs'
import type { NotificationKind } from '@asheville/clients'
import { findAdapter, type Context } from '../context.ts'
import type { Told } from './queries.ts'

interface Texts {
  foot: string
  kinds: Record<NotificationKind, { subject: string; text: string }>
}

const textsByLocale: Record<string, Texts> = {
  en: JSON.parse(readFileSync(new URL('./texts.en.json', import.meta.url), 'utf8')) as Texts,
}

/** A notification as a mail says it: in the person's language where there is one of ours, else English; `link` is where one acts. */
export function composeNotification(
  context: Pick<Context, 'networks' | 'storages' | 'webUrl'>,
  { kind, data }: Told,
  locale: string,
): { subject: string; text: string; link: string } {
  const texts = textsByLocale[locale.toLowerCase().split('-')[0] ?? ''] ?? textsByLocale['en']!
  const { subject, text } = texts.kinds[kind]
  const values: Record<string, unknown> = {
    ...data,
    ...('provider' in data && { title: findAdapter(context, data.provider)?.adapter.title ?? data.provider }),
    ...('reason' in data && { reason: data.reason.replace(/\.$/, '') }),
    settings: `${context.webUrl}/settings/notifications`,
  }
  return {
    subject: fill(subject, values),
    text: `${fill(text, values)}\n\n${fill(texts.foot, values)}`,
    link: `${context.webUrl}${pathOf({ kind, data } as Told)}`,
  }
}

function pathOf(told: Told): string {
  if (told.kind === 'reconnect-needed') return `/connect/${told.data.provider}?reconnects=${told.data.connectionId}`
  if (told.kind === 'network-available') return '/connect'
  return told.kind === 'sync-finished' ? '/browse' : '/status'
}

function fill(text: string, values: Readonly<Record<string, unknown>>): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name]
    if (typeof value !== 'string' && typeof value !== 'number') throw new Error(`A notification needs '${name}'`)
    return String(value)
  })
}

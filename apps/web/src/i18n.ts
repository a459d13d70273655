import { readFileSync } from 'node:fs'

export type Params = Readonly<Record<string, string | number>>

/** A text in the person's language: `{name}` is filled in, numbers are written as that language does, `count` chooses the plural form. */
export type Translate = (key: string, params?: Params) => string

type Message = string | Partial<Record<Intl.LDMLPluralRule, string>>

export const locales = ['en'] as const
export type Locale = (typeof locales)[number]

const messages: Record<Locale, Readonly<Record<string, Message>>> = {
  en: JSON.parse(readFileSync(new URL('./locales/en.json', import.meta.url), 'utf8')) as Record<string, Message>,
}

/** The best of our languages for what a person set, else for a browser's Accept-Language (RFC 9110 §12.5.4), else English. */
export function chooseLocale(preferred: string | null, acceptLanguage: string | undefined): Locale {
  const asked = (acceptLanguage ?? '')
    .split(',')
    .map((entry) => {
      const [tag = '', ...parameters] = entry.trim().split(';')
      const quality = parameters.map((parameter) => /^\s*q=([\d.]+)/.exec(parameter)?.[1]).find(Boolean)
      return { tag: tag.toLowerCase(), quality: quality === undefined ? 1 : Number(quality) }
    })
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .map(({ tag }) => tag)
  for (const tag of preferred ? [preferred.toLowerCase(), ...asked] : asked) {
    const found = locales.find((locale) => tag === locale || tag.startsWith(`${locale}-`))
    if (found) return found
  }
  return 'en'
}

export function createTranslate(locale: Locale): Translate {
  const plurals = new Intl.PluralRules(locale)
  const numbers = new Intl.NumberFormat(locale)
  return (key, params = {}) => {
    const message = messages[locale][key] ?? messages.en[key]
    if (message === undefined) throw new Error(`There is no text '${key}'`)
    const form = typeof message === 'string' ? message : (message[plurals.select(Number(params.count ?? 0))] ?? message.other ?? '')
    return form.replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = params[name]
      if (value === undefined) throw new Error(`The text '${key}' needs '${name}'`)
      return typeof value === 'number' ? numbers.format(value) : value
    })
  }
}

/** Every key there is, for the test that compares them with what pages ask for. */
export function textKeys(): string[] {
  return Object.keys(messages.en)
}

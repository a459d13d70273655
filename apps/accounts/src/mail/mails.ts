import { readFileSync } from 'node:fs'

/** What each kind of mail says, and so what it must be given. Values are plain text; `link` is an address of the website. */
export interface MailValues {
  /** Sent to an address that nobody has shown to be theirs yet. */
  'verify-email': { name: string; link: string }
  'reset-password': { name: string; link: string }
  'password-changed': { name: string; at: string; link: string }
  'passkey-added': { name: string; passkey: string; at: string; link: string }
  /** `app` is what the person called the token. */
  'app-token-made': { name: string; app: string; at: string; link: string }
  /** `account` is whom the provider takes the person for: `Dropbox (ann@example.org)`. */
  'identity-added': { name: string; account: string; at: string; link: string }
  /** To the old address, when another one has taken its place. */
  'email-changed': { name: string; email: string }
  /** To whose address it is, when somebody else wanted it for their account. */
  'email-in-use': { name: string; link: string }
  /** Signed in somewhere new: `device` as people call it, `at` when and `address` from where. `link` shows the sessions. */
  'new-device': { name: string; device: string; address: string; at: string; link: string }
  /** `link` shows what was done. */
  'account-closed': { name: string; link: string }
  /** Of any matter: its subject, a text of one or more paragraphs (blank lines between), and where to see more. */
  notification: { name: string; subject: string; text: string; link: string }
}

export type MailKind = keyof MailValues

/** One mail to one person. `to` is their address, `locale` theirs. */
export type Mail = {
  [Kind in MailKind]: { userId: string; to: string; locale: string; kind: Kind; values: MailValues[Kind] }
}[MailKind]

/** One kind's words: paragraphs of plain text with `{name}` for values, and what the button to `{link}` says. */
interface Words {
  subject: string
  text: readonly string[]
  action?: string
}

interface Texts {
  kinds: Record<MailKind, Words>
  /** Under the button, for those who do not see it. */
  orOpen: string
  foot: string
}

const textsByLocale: Record<string, Texts> = { en: textsOf('en') }

function textsOf(locale: string): Texts {
  return JSON.parse(readFileSync(new URL(`./texts/${locale}.json`, import.meta.url), 'utf8')) as Texts
}

/** A mail as it is read: in the person's language where there is one of ours, else English. */
export function composeMail(
  { kind, locale, values }: Pick<Mail, 'kind' | 'locale'> & { values: Readonly<Record<string, string>> },
  webUrl: string,
): { subject: string; text: string; html: string } {
  const texts = textsByLocale[locale.toLowerCase().split('-')[0] ?? ''] ?? textsByLocale['en']!
  const { subject, text, action } = texts.kinds[kind]
  const { link } = values
  // Before the values are filled in a paragraph is ours; after it, blank lines in a value begin another.
  const paragraphs = text.flatMap((paragraph) => fill(paragraph, values).split(/\n\s*\n/)).filter((paragraph) => paragraph.trim() !== '')
  const foot = fill(texts.foot, { site: webUrl })
  return {
    subject: fill(subject, values).replace(/\s+/g, ' ').trim(),
    text: `${[...paragraphs, ...(action && link ? [`${action}:\n${link}`] : []), `-- \n${foot}`].join('\n\n')}\n`,
    html: htmlOf(paragraphs, action && link ? { action, link, orOpen: texts.orOpen } : null, foot),
  }
}

function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`A mail needs '${name}'`)
    return value
  })
}

function htmlOf(paragraphs: readonly string[], button: { action: string; link: string; orOpen: string } | null, foot: string): string {
  const lines = paragraphs.map((paragraph) => `<p>${escaped(paragraph).replace(/\n/g, '<br>')}</p>`)
  if (button) {
    const link = escaped(button.link)
    lines.push(
      `<p style="margin:28px 0"><a href="${link}" style="display:inline-block;padding:12px 22px;border-radius:10px;background:#4b4a8f;color:#ffffff;font-weight:600;text-decoration:none">${escaped(button.action)}</a></p>`,
      `<p style="color:#5c5a6b;font-size:14px">${escaped(button.orOpen)}<br><a href="${link}" style="color:#4b4a8f;word-break:break-all">${link}</a></p>`,
    )
  }
  return `<!doctype html><html><body style="margin:0;padding:24px;font:16px/1.5 system-ui,sans-serif;color:#232131;background:#ffffff"><div style="max-width:34em">${lines.join('')}<p style="margin-top:32px;color:#5c5a6b;font-size:14px">${escaped(foot)}</p></div></body></html>`
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

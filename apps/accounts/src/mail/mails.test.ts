import { expect, test } from '@jest/globals'
import { composeMail, type Mail, type MailKind, type MailValues } from './mails.ts'

const site = 'https://ash.example'
const link = `${site}/there?token=a&b=c`
const name = 'Ann <script>'
const given: { [Kind in MailKind]: MailValues[Kind] } = {
  'verify-email': { name, link },
  'reset-password': { name, link },
  'password-changed': { name, at: '1 March', link },
  'email-changed': { name, email: 'new@example.org' },
  'email-in-use': { name, link },
  'passkey-added': { name, passkey: 'Blue laptop', at: '1 March', link },
  'app-token-made': { name, app: 'Reader', at: '1 March', link },
  'identity-added': { name, account: 'Dropbox (ann@example.org)', at: '1 March', link },
  'new-device': { name, device: 'Firefox on Linux', address: '192.0.2.1', at: '1 March', link },
  'account-closed': { name, link },
  notification: { name, subject: 'Reconnect\r\nBcc: all@example.org', text: 'First.\n\nSecond {link} <b>', link },
}
const composed = (kind: MailKind, locale = 'en') =>
  composeMail({ kind, locale, values: given[kind] } as Pick<Mail, 'kind' | 'locale' | 'values'>, site)

test.each(Object.keys(given) as MailKind[])('%s says everything it was given, as text and as HTML', (kind) => {
  const { subject, text, html } = composed(kind)
  expect(subject).not.toBe('')
  for (const value of Object.values(given[kind])) expect(`${subject}\n${text}`.replace(/\s+/g, ' ')).toContain(value.replace(/\s+/g, ' '))
  expect(text).toContain(site)
  expect(html).not.toContain('<script>')
  if ('link' in given[kind]) expect(html).toContain('href="https://ash.example/there?token=a&#38;b=c"')
  expect(text + html).not.toMatch(/\{\w+\}(?! <b>| &#60;b&#62;)/)
})

test('a subject is one line, paragraphs stay apart, and what a person wrote is not filled in again', () => {
  const { subject, text, html } = composed('notification')
  expect(subject).toBe('Reconnect Bcc: all@example.org')
  expect(text).toContain('First.\n\nSecond {link} <b>\n')
  expect(html).toContain('<p>First.</p><p>Second {link} &#60;b&#62;</p>')
})

test('a language that there is no text in is English; a value that is missing is an error', () => {
  expect(composed('reset-password', 'tlh-Latn')).toEqual(composed('reset-password'))
  expect(() => composeMail({ kind: 'reset-password', locale: 'en', values: { link } }, site)).toThrow("A mail needs 'name'")
})

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import { contentTypes } from '@asheville/core'
import { createFormat } from './format.ts'
import { chooseLocale, createTranslate, textKeys } from './i18n.ts'
import { safeReturnTo } from './return-to.ts'

const root = fileURLToPath(new URL('.', import.meta.url))
const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(ts|ejs)$/.test(name) && !name.endsWith('.test.ts'))
  .map((name) => ({ name, text: readFileSync(root + name, 'utf8') }))

describe('texts', () => {
  test('every text that is asked for exists, and every text is asked for', () => {
    const asked = new Set(sources.flatMap(({ text }) => [...text.matchAll(/["'`]([a-z-]+\.[a-z][a-z-]*)["'`]/g)].map(([, key]) => key)))
    const keys = textKeys()
    const prefixes = [
      'type.',
      'act.',
      'error.',
      'nav.',
      'home.',
      'welcome.',
      'sign-up.',
      'settings.role-',
      'profile.done-',
      'tell.',
      'focus.',
      'copies.',
      'reactions.',
    ]
    expect(keys.filter((key) => !asked.has(key) && !prefixes.some((prefix) => key.startsWith(prefix)))).toEqual([])
    const called = sources.flatMap(({ text }) => [...text.matchAll(/\bt\(\s*'([^']+)'\s*[,)]/g)].map(([, key = '']) => key))
    expect(called.filter((key) => !keys.includes(key))).toEqual([])
    expect(contentTypes.filter((type) => !keys.includes(`type.${type}`))).toEqual([])
  })

  test('pages write nothing unescaped but includes', () => {
    const raw = sources.filter(({ name }) => name.endsWith('.ejs')).flatMap(({ text }) => text.match(/<%-(?! include\()[^%]*/g) ?? [])
    expect(raw).toEqual([])
  })

  test('plural forms and numbers are those of the language', () => {
    const t = createTranslate('en')
    expect(t('browse.lead', { count: 1 })).toBe('1 item, newest first')
    expect(t('browse.lead', { count: 12_840 })).toBe('12,840 items, newest first')
    expect(() => t('no.such')).toThrow("There is no text 'no.such'")
  })

  test('a locale is chosen from what is set, else from the browser, else English', () => {
    expect(chooseLocale('en-GB', undefined)).toBe('en')
    expect(chooseLocale(null, 'de;q=0.9, en-US;q=0.8')).toBe('en')
    expect(chooseLocale(null, ';;q=x,,')).toBe('en')
  })

  test('sizes and times read well', () => {
    const format = createFormat('en', () => new Date('2026-01-02T00:00:00.000Z'))
    expect([0, 999, 1500, 381_204_113].map((bytes) => format.bytes(bytes))).toEqual(['0 bytes', '999 bytes', '1.5 kB', '381 MB'])
    expect(format.relative('2026-01-01T23:57:00.000Z').text).toContain('3 minutes ago')
    expect(format.relative('2026-01-02T00:12:00.000Z').text).toContain('in 12 minutes')
  })
})

test('safeReturnTo takes paths of our own pages alone', () => {
  expect(safeReturnTo('/browse?type=posts')).toBe('/browse?type=posts')
  for (const other of [
    '//evil',
    '/\\evil',
    'https://evil',
    '/status//evil',
    '/sign-out',
    '/statusx',
    '/status\n',
    '',
    null,
    ['/status'],
    '/.//evil',
    '/status/../../evil',
  ])
    expect([other, safeReturnTo(other)]).toEqual([other, null])
})

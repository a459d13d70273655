import { safeName } from '@asheville/core'
import { describe, expect, test } from '@jest/globals'
import { hostileNames } from '@asheville/testkit'
import fc from 'fast-check'
import { accountFolders, conflictPath, itemKey, mediaPath, monthPath, partOf, partPath } from './page-path.ts'

describe('safeName', () => {
  test.each([
    ['ada@example.social', 'ada@example.social'],
    ['Ada_Lovelace', 'ada_lovelace'],
    ['ada.bsky.social', 'ada.bsky.social'],
  ])('%s stays readable', (text, name) => expect(safeName(text)).toBe(name))

  test.each([
    'CON',
    'nul.txt',
    'com1',
    '..',
    '.',
    '',
    'a/b',
    'a\\b',
    'a:b',
    'a\0b',
    'x'.repeat(300),
    '日本語'.repeat(60),
    'trailing ',
    'dot.',
    '.hidden',
    '‮rtl',
  ])('%j becomes safe', (text) => {
    const name = safeName(text)
    expect(name).toMatch(/^[^/\\:*?"<>|\0-\x1f. -][^/\\:*?"<>|\0-\x1f]*$/u)
    expect(name).not.toMatch(/[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/)
    expect(name.length).toBeLessThanOrEqual(80)
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(160)
  })

  test('two hundred hostile names become safe ones, which differ wherever those do by more than their case', () => {
    const folded = (name: string) => name.normalize('NFC').toLowerCase().normalize('NFC')
    const names = hostileNames.map(safeName)
    expect(names.length).toBeGreaterThanOrEqual(200)
    for (const name of names) expect(name).toMatch(/^[a-z0-9@+\p{L}\p{N}\p{M}][a-z0-9@._+\-\p{L}\p{N}\p{M}]{0,79}$/u)
    expect(new Set(names.map(folded)).size).toBeGreaterThanOrEqual(new Set(hostileNames.map(folded)).size)
  })

  test('different texts get names that differ on every file system, save for their case', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 100 }),
      fc.string({ unit: fc.constantFrom('a', 'A', 'é', 'e\u0301', '.', ' ', '/', 'ß', 'ss') }),
    )
    fc.assert(
      fc.property(text, text, (one, other) => {
        fc.pre(one.toLowerCase() !== other.toLowerCase())
        const folded = (name: string) => name.normalize('NFC').toLowerCase()
        expect(folded(safeName(one))).not.toBe(folded(safeName(other)))
        expect(safeName(one)).toBe(folded(safeName(one)))
      }),
      { numRuns: 2000 },
    )
  })
})

test('an account has its handle for a folder, or that and a mark of its own', () => {
  expect(accountFolders({ id: '1', handle: 'ada' })[0]).toBe('ada')
  const marked = ['1', '2', '3'].map((id) => accountFolders({ id, handle: 'ada' })[1])
  expect(new Set(marked).size).toBe(3)
  for (const name of marked) expect(name).toMatch(/^ada-[a-z0-9]{10}$/)
})

test('parts of a month', () => {
  const month = monthPath({ network: 'mastodon', folder: 'ada@example.social', contentType: 'posts', at: '2024-03-31T23:59:59.999Z' })
  expect(partPath(month, 1)).toBe('mastodon/ada@example.social/posts/2024-03.json')
  expect(partPath(month, 2)).toBe('mastodon/ada@example.social/posts/2024-03.2.json')
  for (const part of [1, 2, 17]) expect(partOf(partPath(month, part))).toEqual({ month, part })
  expect(partPath(monthPath({ network: 'feeds', folder: 'x', contentType: 'likes', at: null }), 1)).toBe('feeds/x/likes/undated.json')
  for (const other of ['a/profile.json', 'asheville.json', 'a/2024-03.1.json', 'a/2024-03.02.json', 'a/2024-03.txt'])
    expect(partOf(other)).toBeNull()
  const copy = conflictPath(partPath(month, 2), '2024-11-21', 'broken')
  expect(copy).toMatch(/2024-03\.2\.conflict-2024-11-21-[a-z0-9]{10}\.json$/)
  expect(partOf(copy)).toBeNull()
})

test('media lie by the month of the item that first brought them', () => {
  expect(mediaPath('ab'.repeat(32), 'jpg', '2024-03-05T00:00:00.000Z')).toBe(`media/2024/03/${'ab'.repeat(20)}.jpg`)
  expect(mediaPath('ab'.repeat(32), 'jpg', null)).toBe(`media/undated/${'ab'.repeat(20)}.jpg`)
})

test('keys tell networks, accounts, content types and ids apart', () => {
  const place = { network: 'n', accountId: 'a', contentType: 'posts', id: 'i' }
  const keys = [
    place,
    { ...place, network: 'm' },
    { ...place, accountId: 'b' },
    { ...place, contentType: 'likes' },
    { ...place, id: 'j' },
  ].map(itemKey)
  expect(new Set(keys).size).toBe(5)
  for (const key of keys) expect(key).toMatch(/^[A-Za-z0-9_-]{22}$/)
})

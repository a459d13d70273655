import { expect, test } from '@jest/globals'
import { createRecentPages } from './recent-pages.ts'

const version = (path: string, revision = '1') => ({ userId: 'u', storageId: 's', path, revision })
const page = (line: string) => ({ header: {}, entries: [{ id: 'a', at: null, line }] })

test('a page is had once, in the version that was put, for a minute, and as long as there is room', () => {
  let now = 0
  const pages = createRecentPages(10, () => now)
  pages.put(version('a'), page('one'), 4)
  expect(pages.take(version('a', '2'))).toBeNull()
  pages.put(version('a'), page('one'), 4)
  pages.put(version('a', '2'), page('two'), 4)
  expect(pages.take(version('a', '2'))).toEqual(page('two'))
  expect(pages.take(version('a', '2'))).toBeNull()

  for (const path of ['a', 'b', 'c']) pages.put(version(path), page(path), 4)
  expect(['a', 'b', 'c'].map((path) => pages.take(version(path)) !== null)).toEqual([false, true, true])

  pages.put(version('a'), page('one'), 4)
  pages.forget(version('a'))
  expect(pages.take(version('a'))).toBeNull()
  pages.put(version('b'), page('one'), 4)
  now = 60_000
  expect(pages.take(version('b'))).toBeNull()
})

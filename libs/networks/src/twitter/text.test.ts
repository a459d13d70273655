import { expect, test } from '@jest/globals'
import { entitiesSchema, readText } from './text.ts'

/** As in https://docs.x.com/x-api/fundamentals/data-dictionary#entities-object. */
const link = {
  start: 6,
  end: 29,
  url: 'https://t.co/oeF3ZHeKQQ',
  expanded_url: 'https://example.org/a?b=1&c=2',
  display_url: 'example.org/a?b=1…',
}

test('links are whole, and what X escaped is what was typed', () => {
  const { html, plain } = readText('1 &lt; 2 https://t.co/oeF3ZHeKQQ &amp; more', { urls: [{ ...link, start: 9, end: 32 }] })
  expect(plain).toBe('1 < 2 https://example.org/a?b=1&c=2 & more')
  expect(html).toBe('<p>1 &#60; 2 <a href="https://example.org/a?b=1&#38;c=2">example.org/a?b=1…</a> &#38; more</p>')
})

test('entities are placed by code points', () => {
  const text = '👩🏿‍🌾 @carol in #Köln'
  const { html, plain } = readText(text, {
    mentions: [{ start: 5, end: 11, username: 'carol', id: '77' }],
    hashtags: [{ start: 15, end: 20, tag: 'Köln' }],
  })
  expect(plain).toBe(text)
  expect(html).toBe('<p>👩🏿‍🌾 <a href="https://x.com/i/user/77">@carol</a> in <a href="https://x.com/hashtag/K%C3%B6ln">#Köln</a></p>')
})

test('paragraphs and lines', () => {
  expect(readText('One\ntwo\n\nthree', null).html).toBe('<p>One<br>two</p><p>three</p>')
  expect(readText('', null)).toEqual({ html: '', plain: '' })
})

test('what stands for a picture is left out, once for all of its files', () => {
  const picture = { ...link, start: 5, end: 28, media_key: '3_1' }
  expect(
    readText('Look https://t.co/oeF3ZHeKQQ', { urls: [picture, { ...picture, media_key: '3_2' }] }, ({ media_key: key }) => Boolean(key))
      .plain,
  ).toBe('Look')
})

test.each([
  [
    'overlapping ones count once',
    [link, { ...link, start: 7 }],
    '<p>Read: <a href="https://example.org/a?b=1&#38;c=2">example.org/a?b=1…</a></p>',
  ],
  ['beyond the end', [{ ...link, end: 99 }], '<p>Read: https://t.co/oeF3ZHeKQQ</p>'],
  ['no address to follow', [{ ...link, expanded_url: 'javascript:alert(1)', url: 'data:,' }], '<p>Read: example.org/a?b=1…</p>'],
])('odd entities do no harm: %s', (_, urls, html) => expect(readText('Read: https://t.co/oeF3ZHeKQQ', { urls }).html).toBe(html))

test('a list of entities that is not as it should be costs its links alone', () => {
  const entities = entitiesSchema.parse({
    urls: [{ ...link, start: 'there' }],
    hashtags: [{ start: 0, end: 4, tag: 'abc', new: 1 }],
    mentions: null,
  })
  expect(entities).toEqual({ urls: null, hashtags: [{ start: 0, end: 4, tag: 'abc' }], mentions: null })
  expect(entitiesSchema.parse('none')).toBeNull()
})

import { describe, expect, test } from '@jest/globals'
import { networkHtml, networkText, webLink } from './network-html.ts'

describe('networkHtml', () => {
  test.each([
    [
      '<p>Hello <a href="https://example.com/?a=1&b=2" onclick="x()" class="u">you</a></p>',
      '<p>Hello <a href="https://example.com/?a=1&amp;b=2" rel="noopener noreferrer nofollow" target="_blank">you</a></p>',
    ],
    ['<script>alert(1)</script>text', 'text'],
    ['<img src=x onerror=alert(1)>', ''],
    ['<a href="javascript:alert(1)">a</a>', '<span>a</span>'],
    ['<a href="//evil.example">a</a>', '<span>a</span>'],
    ['<a href="https://user:pass@example.com">a</a>', '<span>a</span>'],
    ['<p style="position:fixed" id="live" hx-get="/x">a</p>', '<p>a</p>'],
    ['<svg><script>alert(1)</script></svg><math><mtext></mtext></math>', ''],
    ['<iframe srcdoc="<script>1</script>"></iframe><form action="/sign-out"><button>a</button></form>', 'a'],
    ['a<!--><img src=x onerror=alert(1)>-->', 'a--&gt;'],
    ['<p lang="ar" dir="rtl">مرحبا</p>', '<p lang="ar" dir="rtl">مرحبا</p>'],
    ['<p>not closed <b>at all', '<p>not closed <b>at all</b></p>'],
  ])('%s', (given, expected) => {
    expect(networkHtml(given).text).toBe(expected)
  })
})

test('networkText keeps words apart and entities as what they stand for', () => {
  expect(networkText('<p>One</p><p>Two &lt;b&gt; &amp;amp; three<br>four</p>')).toBe('One Two <b> &amp; three four')
})

test('webLink takes http and https alone', () => {
  expect(webLink('https://example.com/a b')).toBe('https://example.com/a%20b')
  for (const other of [
    'javascript:alert(1)',
    'data:text/html,x',
    '/path',
    'at://did:plc:x',
    'ftp://example.com',
    '',
    null,
    7,
    { href: 'https://example.com' },
  ])
    expect(webLink(other)).toBeNull()
})

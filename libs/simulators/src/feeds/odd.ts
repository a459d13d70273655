import { cdata } from '../kit/xml.ts'

/** Dates as found in the wild in `pubDate`, and the moment each means; null: none can be read from it. */
export const oddDates: readonly (readonly [text: string | null, moment: string | null])[] = [
  ['Mon, 06 Sep 2021 10:00:00 EST', '2021-09-06T15:00:00.000Z'],
  ['Mon, 06 Sep 2021 10:00:00 PDT', '2021-09-06T17:00:00.000Z'],
  ['Mon, 06 Sep 2021 10:00:00 UT', '2021-09-06T10:00:00.000Z'],
  ['Mon, 06 Sep 2021 10:00:00 Z', '2021-09-06T10:00:00.000Z'],
  ['Mon, 06 Sep 2021 10:00:00 +0530', '2021-09-06T04:30:00.000Z'],
  ['06 Sep 2021 10:00:00 GMT', '2021-09-06T10:00:00.000Z'],
  ['Mon, 6 Sep 2021 10:00 GMT', '2021-09-06T10:00:00.000Z'],
  ['6 Sep 21 10:00:00 GMT', '2021-09-06T10:00:00.000Z'],
  ['Tue, 06 Sep 2021 10:00:00 GMT', '2021-09-06T10:00:00.000Z'],
  ['2021-09-06T10:00:00+02:00', '2021-09-06T08:00:00.000Z'],
  ['\n   Mon, 06 Sep 2021 10:00:00 GMT\n ', '2021-09-06T10:00:00.000Z'],
  ['yesterday', null],
  ['', null],
  [null, null],
]

/** Valid RSS that leaves out or bends what readers rely on: odd dates, no guid, guid as link, relative links, CDATA in titles, twins. */
export function oddRss(origin: string): string {
  const dated = oddDates.map(([text], i) =>
    item(`Date ${i}`, `/odd/${i}`, text === null ? '' : `<pubDate>${text}</pubDate>`, `<guid isPermaLink="false">odd-date-${i}</guid>`),
  )
  const others = [
    item('No guid', '/odd/no-guid', '<pubDate>Sun, 05 Sep 2021 09:00:00 GMT</pubDate>', ''),
    '<item><description>Neither title nor link nor guid &amp; nothing else</description></item>',
    item('Guid is the link', '', '<pubDate>Sun, 05 Sep 2021 08:00:00 GMT</pubDate>', `<guid>${origin}/odd/guid-link</guid>`),
    item('Twins', '/odd/twin', '<pubDate>Sun, 05 Sep 2021 07:00:00 GMT</pubDate>', '<guid isPermaLink="false">twin</guid>'),
    item('Twins', '/odd/twin', '<pubDate>Sun, 05 Sep 2021 07:00:00 GMT</pubDate>', '<guid isPermaLink="false">twin</guid>'),
    `<item><title>${cdata('A <b>CDATA</b> title & ]]> more')}</title><link>odd/cdata</link><guid isPermaLink="false">cdata</guid><description>${cdata(`<a href="../up?x=1&amp;y=2">relative</a> <img src='odd.png'>`)}</description></item>`,
    '<item><title>Double &amp;amp; escaped &amp;lt;b&amp;gt;</title><link>javascript:alert(1)</link><guid isPermaLink="false">bad-link</guid></item>',
    '<item><title>Bad enclosure</title><guid isPermaLink="false">bad-enclosure</guid><enclosure url="/pictures/none.png" length="many" type=""/></item>',
  ]
  return `<?xml version="1.0"?>\n<!-- a comment first --><rss version="2.0"><channel><title>Odd</title><link>${origin}</link><description/>${[...dated, ...others].join('\n')}</channel></rss>`
}

function item(title: string, link: string, date: string, guid: string): string {
  return `<item><title>${title}</title>${link === '' ? '' : `<link>${link}</link>`}${date}${guid}<description>Text of ${title}</description></item>`
}

export const brokenXml =
  '<?xml version="1.0"?><rss version="2.0"><channel><title>Broken &nbsp; <b>feed</title><item><title>One</item><item><guid>2'
export const notAFeed =
  '<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>http://site.example/</loc></url></urlset>'
export const entityBomb =
  '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">' +
  '<!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;"><!ENTITY x SYSTEM "file:///etc/passwd">]><rss version="2.0"><channel><title>&e;</title><item><title>&x;</title><guid>bomb</guid></item></channel></rss>'

/** A document in ISO-8859-1; `declared`: the XML declaration says so. */
export function latin1Rss(origin: string, declared: boolean): Buffer {
  const encoding = declared ? ' encoding="ISO-8859-1"' : ''
  const text =
    `<?xml version="1.0"${encoding}?><rss version="2.0"><channel><title>Gr\u00fc\u00dfe</title><link>${origin}</link><description/>` +
    `<item><title>Caf\u00e9 cr\u00e8me \u00e0 \u00d6rebro</title><link>${origin}/latin1/1</link><guid isPermaLink="false">latin1-1</guid><pubDate>Mon, 06 Sep 2021 10:00:00 GMT</pubDate></item></channel></rss>`
  return Buffer.from(text, 'latin1')
}

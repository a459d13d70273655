import sanitize from 'sanitize-html'
import { SafeHtml } from './html.ts'

/**
 * What other networks wrote, made fit to show among our own pages: paragraphs, lists, quotes and links alone; links only
 * to http(s), opened without telling them where from. No attribute of theirs survives but `href` and `lang`/`dir`; no picture, no style.
 */
export function networkHtml(markup: string): SafeHtml {
  return new SafeHtml(sanitize(markup.slice(0, 400_000), options))
}

/** The same as plain text, for titles and excerpts. */
export function networkText(markup: string): string {
  const spaced = markup.slice(0, 100_000).replace(/<(br|\/p|\/li|\/h\d|\/div)\b[^>]*>/gi, ' $&')
  const bare = sanitize(spaced, { allowedTags: [], allowedAttributes: {} })
  return bare
    .replace(/&(lt|gt|quot|amp|#39);/g, (entity) => ({ '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" })[entity] ?? '&')
    .replace(/\s+/g, ' ')
    .trim()
}

/** An address that may become a link: absolute, http or https, without a password in it. Else null. */
export function webLink(value: unknown): string | null {
  if (typeof value !== 'string' || !URL.canParse(value)) return null
  const url = new URL(value)
  return (url.protocol === 'https:' || url.protocol === 'http:') && url.username === '' && url.password === '' ? url.href : null
}

const text = ['p', 'br', 'a', 'em', 'strong', 'b', 'i', 'u', 's', 'del', 'sub', 'sup', 'code', 'span']
const blocks = ['ul', 'ol', 'li', 'blockquote', 'pre', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'hr', 'div', 'figure', 'figcaption']
const tables = ['table', 'thead', 'tbody', 'tr', 'th', 'td']

const options: sanitize.IOptions = {
  allowedTags: [...text, ...blocks, ...tables],
  allowedAttributes: { a: ['href', 'rel', 'target'], '*': ['lang', 'dir'] },
  allowedSchemes: ['http', 'https'],
  allowedSchemesAppliedToAttributes: ['href'],
  allowProtocolRelative: false,
  disallowedTagsMode: 'discard',
  nestingLimit: 40,
  transformTags: {
    a: (tagName, { href, lang, dir }) => {
      const safe = webLink(href)
      const kept = { ...(lang && { lang }), ...(dir && { dir }) }
      return safe
        ? { tagName, attribs: { href: safe, rel: 'noopener noreferrer nofollow', target: '_blank', ...kept } }
        : { tagName: 'span', attribs: kept }
    },
    // Headings of theirs stand below ours.
    h1: 'h3',
    h2: 'h3',
    h3: 'h4',
    h4: 'h5',
  },
}

import { escapeHtml } from '../kit/index.ts'

type Names = { origin: string; mentions: { username: string; url: string }[] }

/** Plain text as Mastodon's web HTML: paragraphs, line breaks, links with hidden parts, hashtags, mentions (docs: API guidelines, Formatting). */
export function statusHtml(text: string, names: Names): string {
  return text
    .split(/\n{2,}/)
    .map(
      (paragraph) =>
        `<p>${paragraph
          .split('\n')
          .map((line) => lineHtml(line, names))
          .join('<br />')}</p>`,
    )
    .join('')
}

function lineHtml(line: string, names: Names): string {
  return line
    .split(/(\s+)/)
    .map((word) => wordHtml(word, names))
    .join('')
}

function wordHtml(word: string, { origin, mentions }: Names): string {
  if (/^https?:\/\/[^\s"'<>]+$/.test(word)) return linkHtml(word)
  const tag = /^#([\p{L}\p{M}\p{N}_]+)$/u.exec(word)?.[1]
  if (tag !== undefined)
    return `<a href="${origin}/tags/${encodeURIComponent(tag.toLowerCase())}" class="mention hashtag" rel="tag">#<span>${escapeHtml(tag)}</span></a>`
  const mention = mentions.find((one) => word === `@${one.username}`)
  if (mention)
    return `<span class="h-card" translate="no"><a href="${escapeHtml(mention.url)}" class="u-url mention">@<span>${escapeHtml(mention.username)}</span></a></span>`
  return escapeHtml(word)
}

function linkHtml(url: string): string {
  const [, scheme = '', rest = ''] = /^(https?:\/\/(?:www\.)?)(.*)$/.exec(url) ?? []
  const [shown, hidden] = [rest.slice(0, 30), rest.slice(30)]
  return (
    `<a href="${escapeHtml(url)}" target="_blank" rel="nofollow noopener" translate="no"><span class="invisible">${scheme}</span>` +
    `<span class="${hidden ? 'ellipsis' : ''}">${escapeHtml(shown)}</span><span class="invisible">${escapeHtml(hidden)}</span></a>`
  )
}

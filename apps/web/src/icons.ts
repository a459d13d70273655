import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { html, SafeHtml } from './html.ts'

/** Our own line icons, 24 × 24, drawn with strokes. */
const shapes: Record<string, string> = {
  status: '<path d="M3 12h4l2.5-6 5 12 2.5-6h4"/>',
  browse:
    '<rect x="3.5" y="3.5" width="7" height="7" rx="1.5"/><rect x="13.5" y="3.5" width="7" height="7" rx="1.5"/><rect x="3.5" y="13.5" width="7" height="7" rx="1.5"/><rect x="13.5" y="13.5" width="7" height="7" rx="1.5"/>',
  bell: '<path d="M6 16.5V11a6 6 0 0 1 12 0v5.500l1.500 2h-15z"/><path d="M10 21h4"/>',
  connect: '<path d="M12 5v14M5 12h14"/>',
  person: '<circle cx="12" cy="8" r="4"/><path d="M4.5 20c1-4 4-6 7.5-6s6.5 2 7.5 6"/>',
  posts:
    '<path d="M5 5.5h14a1.5 1.5 0 0 1 1.5 1.5v9a1.5 1.5 0 0 1-1.5 1.5h-7.5L7 21v-3.5H5A1.5 1.5 0 0 1 3.5 16V7A1.5 1.5 0 0 1 5 5.5z"/><path d="M8 10h8M8 13.5h5"/>',
  photos: '<rect x="3.5" y="4.5" width="17" height="15" rx="2"/><circle cx="9" cy="9.5" r="1.5"/><path d="m4 17 5-4.5 3.5 3 3-2.5 5 4"/>',
  videos: '<rect x="3.5" y="5" width="17" height="14" rx="2"/><path d="m10.5 9.5 4.5 2.5-4.5 2.5z"/>',
  audio: '<path d="M9 18V6l10-2v12"/><circle cx="6.5" cy="18" r="2.5"/><circle cx="16.5" cy="16" r="2.5"/>',
  articles: '<path d="M6 3.5h8.5l4 4V20a.5.5 0 0 1-.5.5H6a.5.5 0 0 1-.5-.5V4a.5.5 0 0 1 .5-.5z"/><path d="M14 3.5V8h4.5M9 12h6M9 15.5h6"/>',
  comments: '<path d="M20.5 11.5a7.5 7.5 0 0 1-11 6.600L4 20l1.5-4.5a7.5 7.5 0 1 1 15-4z"/>',
  links:
    '<path d="M10 14a4 4 0 0 0 5.700 0l3-3A4 4 0 0 0 13 5.300l-1 1"/><path d="M14 10a4 4 0 0 0-5.700 0l-3 3a4 4 0 0 0 5.700 5.700l1-1"/>',
  likes: '<path d="M12 20s-7.5-4.600-7.5-10.200A4.300 4.300 0 0 1 12 7.200a4.300 4.300 0 0 1 7.5 2.600C19.5 15.400 12 20 12 20z"/>',
  bookmarks: '<path d="M7 4h10a1 1 0 0 1 1 1v15l-6-4.5L6 20V5a1 1 0 0 1 1-1z"/>',
  boosts: '<path d="m7 4-3 3 3 3"/><path d="M4 7h12a3 3 0 0 1 3 3v2"/><path d="m17 20 3-3-3-3"/><path d="M20 17H8a3 3 0 0 1-3-3v-2"/>',
  follows: '<circle cx="9.5" cy="8" r="3.5"/><path d="M3 19.5c.8-3.400 3.400-5 6.5-5s5.700 1.600 6.5 5M18 8v6M15 11h6"/>',
  events: '<rect x="4" y="5.5" width="16" height="14.5" rx="2"/><path d="M4 10h16M8.5 3.5v4M15.5 3.5v4"/>',
  'check-ins': '<path d="M12 21s-6.5-5.700-6.5-11a6.5 6.5 0 0 1 13 0c0 5.300-6.5 11-6.5 11z"/><circle cx="12" cy="10" r="2.5"/>',
  other: '<circle cx="12" cy="12" r="8.5"/><path d="M12 8v4l3 2"/>',
  check: '<path d="m5 12.5 4.5 4.5L19 7.5"/>',
  turning: '<path d="M20 12a8 8 0 1 1-2.300-5.600"/><path d="M20 3.5V8h-4.5"/>',
  clock: '<circle cx="12" cy="12" r="8.5"/><path d="M12 7.5V12l3 2"/>',
  pause: '<path d="M9 6v12M15 6v12"/>',
  play: '<path d="m8 5.5 10 6.5-10 6.5z"/>',
  stop: '<rect x="6.5" y="6.5" width="11" height="11" rx="1.5"/>',
  warning: '<path d="M12 4 21 19.5H3z"/><path d="M12 10v4M12 17v.01"/>',
  lock: '<rect x="5" y="11" width="14" height="9" rx="2"/><path d="M8 11V8a4 4 0 0 1 8 0v3"/>',
  key: '<circle cx="8" cy="15.5" r="4"/><path d="m11 12.5 8-8M16 7.5l2.5 2.5M13.5 10l1.5 1.5"/>',
  computer: '<rect x="4" y="5" width="16" height="10.5" rx="1.5"/><path d="M2.5 19h19"/>',
  phone: '<rect x="7" y="3" width="10" height="18" rx="2"/><path d="M11 18h2"/>',
  tablet: '<rect x="4.5" y="3" width="15" height="18" rx="2"/><path d="M11 18h2"/>',
  disk: '<rect x="3.5" y="5" width="17" height="6" rx="1.5"/><rect x="3.5" y="13" width="17" height="6" rx="1.5"/><path d="M7 8h.01M7 16h.01M11 8h6M11 16h6"/>',
  out: '<path d="M9 5H6a1.5 1.5 0 0 0-1.5 1.5v11A1.5 1.5 0 0 0 6 19h11a1.5 1.5 0 0 0 1.5-1.5V15"/><path d="M13 4.5h6.5V11M19 5l-8.5 8.5"/>',
  next: '<path d="m9 5.5 6.5 6.5L9 18.5"/>',
  back: '<path d="M15 5.5 8.5 12l6.5 6.5"/>',
  arrow: '<path d="M4.5 12h15M13.5 6l6 6-6 6"/>',
  network:
    '<circle cx="12" cy="12" r="8.5"/><path d="M3.5 12h17M12 3.5c2.5 2.300 3.700 5.200 3.700 8.5S14.5 18.200 12 20.5C9.5 18.200 8.300 15.300 8.300 12S9.5 5.800 12 3.5z"/>',
}

/** One of our line icons by name; decoration, so screen readers skip it. */
export function icon(name: string): SafeHtml {
  return html`<svg class="icon${name === 'turning' ? ' turning' : ''}" viewBox="0 0 24 24" aria-hidden="true">
    ${new SafeHtml(shapes[name] ?? shapes.other ?? '')}
  </svg>`
}

/** Where a network's mark in simple-icons (CC0) has another name, or a mark by that name is something else. */
const marks: Record<string, string> = { feeds: 'rss', twitter: 'x', 'google-drive': 'googledrive', local: 'none', memory: 'none' }

const require = createRequire(import.meta.url)
const cache = new Map<string, SafeHtml>()

/** The mark of a network or storage in the text's colour, from simple-icons by the adapter's id; a plain globe or disk without one. */
export function providerMark(id: string, kind: 'network' | 'storage' = 'network'): SafeHtml {
  const known = cache.get(id)
  if (known) return known
  const path = pathOf(marks[id] ?? id)
  const mark = path
    ? html`<svg class="icon filled" viewBox="0 0 24 24" aria-hidden="true"><path d="${path}" /></svg>`
    : icon(kind === 'storage' ? 'disk' : 'network')
  cache.set(id, mark)
  return mark
}

function pathOf(slug: string): string | null {
  if (!/^[a-z0-9]+$/.test(slug)) return null
  try {
    return / d="([^"]+)"/.exec(readFileSync(require.resolve(`simple-icons/icons/${slug}.svg`), 'utf8'))?.[1] ?? null
  } catch {
    return null
  }
}

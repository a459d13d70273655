import { renditionSizes, type Picture, type StoredItem } from '@asheville/clients'
import type { AS2Object } from '@asheville/core'
import type { SafeHtml } from './html.ts'
import type { Translate } from './i18n.ts'
import { networkHtml, networkText, webLink } from './network-html.ts'
import { placeholder } from './placeholder.ts'

export interface MediaView {
  kind: 'image' | 'video' | 'audio' | 'file'
  /** On our own site; null: not stored (yet), and why. */
  src: string | null
  reason: string | null
  alt: string
  width: number | null
  height: number | null
  /** Of a picture that was looked at; else the file itself is shown. */
  copies: CopiesView | null
}

/** Smaller copies of a picture, and what to show until they have come. */
export interface CopiesView {
  path: string
  square: string
  small: string
  /** Those that keep the picture's shape, for `srcset`. */
  set: string
  placeholder: string | null
  /** In shares of width and height. */
  focus: { x: number; y: number }
  isFocusChosen: boolean
}

/** An item as pages show it: nothing in it but text, sanitised markup, and addresses that were checked. */
export interface ItemView {
  key: string
  href: string
  network: string
  networkTitle: string
  account: string
  contentType: string
  /** What was done, for icon and wording. */
  act: 'wrote' | 'replied' | 'boosted' | 'liked' | 'bookmarked' | 'followed' | 'published' | 'other'
  actText: string
  at: string | null
  goneAt: string | null
  path: string
  title: string | null
  warning: string | null
  body: SafeHtml | null
  excerpt: string
  /** Who wrote what was liked, boosted or bookmarked. */
  by: string | null
  media: MediaView[]
  links: { url: string; title: string; summary: string | null; host: string }[]
  original: string | null
  tags: string[]
  lang: string | null
}

type Loose = Record<string, unknown>

const pointing: Record<string, ItemView['act']> = { Like: 'liked', Announce: 'boosted', Follow: 'followed', Add: 'bookmarked' }
const excerptLength = 280

/** From the stored Activity Streams object to what a page shows. Whatever the object holds, this does not throw. */
export function itemView(item: StoredItem, networkTitle: string, t: Translate): ItemView {
  const object: Loose = item.object
  const act = actOf(item, object)
  const inner = asObject(object.object)
  const shown = inner && pointing[item.object.type] ? { ...inner } : object
  const markup = textIn(shown.content) ?? firstOf(shown.contentMap) ?? textIn(shown.summary) ?? ''
  const isTitled = shown.type === 'Article' || textIn(shown.name) !== null
  const text = networkText(markup)
  const pointedAt = textIn(object.object) ?? textIn(inner?.id)
  const pictures = item.pictures ?? {}
  const media = [...mediaOf(shown, pictures), ...(shown === object ? [] : mediaOf(object, pictures))]
  return {
    key: item.key,
    href: `/items/${encodeURIComponent(item.key)}`,
    network: item.network,
    networkTitle,
    account: item.account,
    contentType: item.contentType,
    act,
    actText: t(`act.${act}`),
    at: item.at,
    goneAt: item.goneAt,
    path: item.path,
    title: isTitled ? textOrNull(networkText(textIn(shown.name) ?? '')) : null,
    warning: textIn(shown.content) !== null && (shown.sensitive === true || textIn(shown.summary)) ? warningOf(shown, t) : null,
    body: markup ? networkHtml(markup) : null,
    excerpt: text.length > excerptLength ? `${cut(text, excerptLength)}…` : text,
    by: shown === object ? (isOwn(act) ? null : nameOf(pointedAt ?? shown.attributedTo)) : nameOf(shown.attributedTo ?? shown.id),
    media: media.filter(({ src, reason }) => src !== null || reason !== null),
    links: linksOf(shown),
    original: webLink(addressOf(shown.url)) ?? webLink(addressOf(object.url)) ?? webLink(pointedAt) ?? webLink(item.id),
    tags: listOf(shown.tag)
      .flatMap((tag) => (asObject(tag)?.type === 'Hashtag' ? (textIn(asObject(tag)?.name) ?? []) : []))
      .slice(0, 20),
    lang: languageOf(shown),
  }
}

function actOf({ contentType }: StoredItem, object: Loose): ItemView['act'] {
  if (contentType === 'likes') return 'liked'
  if (contentType === 'bookmarks') return 'bookmarked'
  if (contentType === 'follows') return 'followed'
  const pointed = pointing[String(object.type)]
  if (pointed) return pointed
  if (contentType === 'articles' || object.type === 'Article') return 'published'
  if (object.inReplyTo) return 'replied'
  return object.type === 'Note' || contentType === 'posts' ? 'wrote' : 'other'
}

/** What the person wrote themselves needs no name beside it. */
function isOwn(act: ItemView['act']): boolean {
  return act === 'wrote' || act === 'replied' || act === 'published' || act === 'other'
}

function warningOf(shown: Loose, t: Translate): string {
  return textOrNull(networkText(textIn(shown.summary) ?? '')) ?? t('item.sensitive')
}

const mediaKinds: Record<string, MediaView['kind']> = { Image: 'image', Video: 'video', Audio: 'audio', Document: 'file' }

function mediaOf(object: Loose, pictures: Readonly<Record<string, Picture>>): MediaView[] {
  return [...listOf(object.attachment), ...listOf(object.image)].flatMap((entry) => {
    const attachment = asObject(entry)
    if (!attachment || attachment.type === 'Page' || attachment.type === 'Link') return []
    const mediaType = textIn(attachment['asheville:mediaType']) ?? textIn(attachment.mediaType) ?? ''
    const fromType = /^(image|video|audio)\//.exec(mediaType)?.[1] as MediaView['kind'] | undefined
    const path = textIn(attachment['asheville:path'])
    const state = textIn(attachment['asheville:state'])
    const picture = path !== null && Object.hasOwn(pictures, path) ? pictures[path] : undefined
    return [
      {
        kind: fromType ?? mediaKinds[String(attachment.type)] ?? 'file',
        src: path === null ? null : fileHref(path),
        reason: path === null && state !== null ? (textIn(attachment['asheville:reason']) ?? state) : null,
        alt: networkText(textIn(attachment.name) ?? ''),
        width: picture?.width ?? sizeOf(attachment.width),
        height: picture?.height ?? sizeOf(attachment.height),
        copies: path !== null && picture ? copiesOf(path, picture) : null,
      },
    ]
  })
}

function copiesOf(path: string, { width, height, thumbhash, focus, isFocusChosen }: Picture): CopiesView {
  const address = fileHref(path)
  const sized = (['small', 'normal'] as const).map((size) => {
    const shrunk = Math.min(1, renditionSizes[size] / Math.max(width, height))
    return `${address}?size=${size} ${Math.max(1, Math.round(width * shrunk))}w`
  })
  return {
    path,
    square: `${address}?size=square`,
    small: `${address}?size=small`,
    set: sized.join(', '),
    placeholder: placeholder(thumbhash),
    focus,
    isFocusChosen,
  }
}

/** Where a stored file is served on our own site. */
export function fileHref(path: string): string {
  return `/files/${path.split('/').map(encodeURIComponent).join('/')}`
}

function linksOf(object: Loose): ItemView['links'] {
  return listOf(object.attachment).flatMap((entry) => {
    const page = asObject(entry)
    if (!page || (page.type !== 'Page' && page.type !== 'Link')) return []
    const url = webLink(page.url ?? page.href)
    if (!url) return []
    const summary = networkText(textIn(page.summary) ?? '')
    return [{ url, title: networkText(textIn(page.name) ?? '') || url, summary: textOrNull(cut(summary, 200)), host: new URL(url).host }]
  })
}

/** `https://example.social/@ann/123` → `@ann@example.social`: for people, best effort. */
function nameOf(value: unknown): string | null {
  const actor = asObject(value)
  const named = textIn(actor?.preferredUsername) ?? textIn(actor?.name)
  if (named) return networkText(named)
  const address = webLink(textIn(value) ?? actor?.id ?? actor?.url)
  if (!address) return null
  const { host, pathname } = new URL(address)
  const user = /^\/(?:@|users\/)([\w.-]+)/.exec(pathname)?.[1]
  const profile = /^\/profile\/([\w.:-]+)/.exec(pathname)?.[1]
  if (profile) return profile.startsWith('did:') ? null : `@${profile}`
  return user ? `@${user}@${host}` : host
}

function languageOf(object: Loose): string | null {
  const languages = Object.keys(asObject(object.contentMap) ?? {})
  return languages.length === 1 && /^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$/.test(languages[0] ?? '') ? (languages[0] ?? null) : null
}

function addressOf(value: unknown): unknown {
  const [first] = listOf(value)
  return asObject(first)?.href ?? first
}

function firstOf(map: unknown): string | null {
  return textIn(Object.values(asObject(map) ?? {})[0])
}

function textIn(value: unknown): string | null {
  return typeof value === 'string' ? textOrNull(value) : null
}

function textOrNull(text: string): string | null {
  return text.trim() === '' ? null : text
}

function asObject(value: unknown): Loose | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Loose) : null
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value.slice(0, 50) : value === undefined || value === null ? [] : [value]
}

function sizeOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 100_000 ? value : null
}

/** Never through the middle of a letter with marks, or an emoji. */
function cut(text: string, length: number): string {
  if (text.length <= length) return text
  let end = 0
  for (const { segment, index } of new Intl.Segmenter().segment(text)) {
    if (index + segment.length > length) break
    end = index + segment.length
  }
  return text.slice(0, end)
}

/** What the page of an item shows as raw data: the object as it lies in the storage. */
export function rawOf(object: AS2Object): string {
  return JSON.stringify(object, null, 2)
}

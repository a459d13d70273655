import type { ItemCopy } from '@asheville/clients'
import type { Translate } from './i18n.ts'
import { webLink } from './network-html.ts'

/** The same item elsewhere, as pages show it. */
export interface CopyView {
  key: string
  href: string
  network: string
  networkTitle: string
  account: string
  at: string | null
  goneAt: string | null
  /** Where it is to be seen; null: that is not known, or no web page. */
  original: string | null
  /** Why it is held for the same. */
  why: string
  /** What it got there, as `3 likes`; only of one item by itself, and of what its network tells. */
  reactions: string[]
}

export function copyView(
  copy: Pick<ItemCopy, 'key' | 'network' | 'account' | 'at' | 'goneAt'> & Partial<ItemCopy>,
  networkTitle: string,
  t: Translate,
): CopyView {
  const { key, network, account, at, goneAt, because, url, reactions } = copy
  return {
    key,
    href: `/items/${encodeURIComponent(key)}`,
    network,
    networkTitle,
    account,
    at,
    goneAt,
    original: webLink(url ?? null),
    why: because ? whyOf(because, t) : '',
    reactions: reactionTexts(reactions, t),
  }
}

/** What there is of them, in words. */
export function reactionTexts(reactions: ItemCopy['reactions'], t: Translate): string[] {
  return (['likes', 'shares', 'replies'] as const).flatMap((name) => {
    const count = reactions?.[name]
    return count === undefined ? [] : [t(`reactions.${name}`, { count })]
  })
}

function whyOf({ by, minutes }: ItemCopy['because'], t: Translate): string {
  if (by !== 'words' || minutes === null) return t(`copies.by-${by}`)
  return t('copies.by-words-within', { count: Math.max(1, minutes) })
}

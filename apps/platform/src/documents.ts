import { safeName } from '@asheville/core'
import type { AccountFolder } from './queries/accounts.ts'
import type { PageRow } from './queries/pages.ts'
import type { CountRow } from './queries/reading.ts'

/** Of the layout below the storage folder; a reader that knows a lower number must not guess. */
export const formatVersion = 1

/** What the folder is, for whoever finds it. */
export const readme = `These are copies of what you put into social networks. They are yours.

Asheville made them. It goes on adding to this folder as long as you let it; if you stop using Asheville, everything here stays
as it is and needs no program but a text editor to be read.

What is where

  <network>/<account>/<kind>/2024-03.json   What you posted, liked or saved in March 2024, oldest first, one item per line.
                                            2024-03.2.json goes on where a very full month needs a second file.
  <network>/<account>/<kind>/undated.json   What the network gives no date for, in the order in which it arrived.
  <network>/<account>/profile.json          Whose account it was.
  media/2024/03/                            Pictures, films and sound. Each is kept once, however many posts show it;
                                            "asheville:path" in an item says which file belongs to it.
  asheville.json                            A list of all these files, with counts and checksums.
  decisions.json                            What you decided about your copies: items that you took out, and the like.

The items are Activity Streams 2.0 (https://www.w3.org/TR/activitystreams-core/), a published standard. What it has no word for begins
with "asheville:". "asheville:raw" is what the network itself sent, unchanged. "asheville:history" is what it was before it was edited
there, the oldest first. "asheville:goneAt" means that it has been deleted there since; your copy stays, unless you chose to mirror.

May I change things here?

  Yes. Asheville merges what it adds into what it finds.
  - What you add to an item, under a name of your own, stays. What you change in it stays until it is edited on its network; then your
    words become part of its history.
  - An item that you take out of a file stays out, also when it is edited on its network. decisions.json says so; put the item back, and
    it is as before.
  - A file that you delete stays deleted, and "Verify my copy" offers to bring back what was in it. New items of that month begin a new one.
  - An account's folder may be renamed: Asheville looks for it beside the old name. When the whole folder is elsewhere, nothing is written
    until you put it back, or say that it is gone.
  - A file that cannot be read any more is kept beside the new one, with "conflict" in its name.
  - Files of other names are left alone.
`

/** Whose account a folder is of, as Activity Streams. */
export function profileOf({ network, id, handle, title, url }: AccountFolder): string {
  return toText({
    '@context': ['https://www.w3.org/ns/activitystreams', { asheville: 'urn:asheville:' }],
    type: 'Person',
    ...(url !== null && { id: url, url }),
    name: title,
    preferredUsername: handle,
    'asheville:network': network,
    'asheville:account': id,
  })
}

export interface ManifestFacts {
  accounts: readonly AccountFolder[]
  counts: readonly CountRow[]
  pages: readonly PageRow[]
  media: { files: number; bytes: number }
}

/** The manifest. It says nothing of when it was made: it changes only with what it lists. */
export function manifestOf({ accounts, counts, pages, media }: ManifestFacts): string {
  const totals = (network: string, accountId: string) => {
    const byType = new Map<string, { items: number; gone: number }>()
    for (const row of counts) {
      if (row.network !== network || row.accountId !== accountId) continue
      const sum = byType.get(row.contentType) ?? { items: 0, gone: 0 }
      byType.set(row.contentType, { items: sum.items + row.items, gone: sum.gone + row.gone })
    }
    return Object.fromEntries([...byType].sort(([one], [other]) => (one < other ? -1 : 1)))
  }
  return toText({
    format: formatVersion,
    accounts: accounts.map(({ network, id, handle, folder }) => ({
      network,
      account: id,
      handle,
      folder: `${safeName(network)}/${folder}`,
      counts: totals(network, id),
    })),
    media,
    pages: pages.map(({ path, sha256, items }) => ({ path, items, sha256 })),
  })
}

/** One line per list entry: opens in any editor, and differences show. */
function toText(value: Record<string, unknown>): string {
  const properties = Object.entries(value).map(([name, inner]) => {
    const isLong = Array.isArray(inner) && name !== '@context'
    const text = isLong ? `[${inner.map((one) => `\n${JSON.stringify(one)}`).join()}\n]` : JSON.stringify(inner)
    return `${JSON.stringify(name)}: ${text}`
  })
  return `{\n${properties.join(',\n')}\n}\n`
}

import { sha256 } from '../kit/index.ts'
import type { Entities } from './entities.ts'
import { mediaFile } from './media.ts'
import type { MastodonOptions, StatusRecord } from './types.ts'
import type { World } from './world.ts'

export type TrueMedia = { url: string; sha256: string; bytes: number; description: string | null }
/** A status as its reader should have it; of a boost, `boostOf` is the id of what was boosted and `boosted` the status itself. */
export type TrueStatus = {
  id: string
  uri: string
  createdAt: string
  url: string
  content: string
  visibility: string
  editedAt: string | null
  boostOf: string | null
  boosted: TrueStatus | null
  media: TrueMedia[]
}
export type AccountTruth = {
  id: string
  acct: string
  statuses: TrueStatus[]
  favourites: TrueStatus[]
  bookmarks: TrueStatus[]
  following: { id: string; acct: string; url: string }[]
}
export type MastodonTruth = Record<string, AccountTruth>

/** Everything that each local account should see, newest first, files with their hashes. */
export function createTruth(world: World, entities: Entities, options: MastodonOptions): () => MastodonTruth {
  const trueStatus = (record: StatusRecord): TrueStatus => {
    const entity = entities.status(record, record.account) as {
      id: string
      uri: string
      created_at: string
      url: string
      content: string
      visibility: string
      edited_at: string | null
      reblog: { id: string } | null
      media_attachments: { url: string; description: string | null }[]
    }
    const media = entity.media_attachments.map(({ url, description }) => {
      const file = mediaFile(new URL(url).pathname, world, options)
      return { url, description, sha256: file ? sha256(file) : '', bytes: file?.length ?? 0 }
    })
    const { id, uri, url, content, visibility } = entity
    const boosted = entity.reblog && world.find(entity.reblog.id)
    return {
      id,
      uri,
      createdAt: entity.created_at,
      url,
      content,
      visibility,
      editedAt: entity.edited_at,
      boostOf: entity.reblog?.id ?? null,
      boosted: boosted && trueStatus(boosted),
      media,
    }
  }
  return () =>
    Object.fromEntries(
      world.locals.map((account) => {
        const shelf = world.shelf(account)!
        const marked = (marks: readonly { key: bigint }[]) => marks.map(({ key }) => trueStatus(world.find(key)!)).reverse()
        const following = shelf.following.map((follow) => entities.account(follow.account)).map(({ id, acct, url }) => ({ id, acct, url }))
        const statuses = shelf.statuses.map(trueStatus).reverse()
        const truth = {
          statuses,
          favourites: marked(shelf.favourites.list()),
          bookmarks: marked(shelf.bookmarks.list()),
          following: following.reverse(),
        }
        return [account.username, { id: account.id, acct: account.username, ...truth }]
      }),
    )
}

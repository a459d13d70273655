import type { AccountTruth, TrueStatus } from '@asheville/simulators'
import type { ExpectedAccount, ExpectedItem } from './expected.ts'

/**
 * What an account of a simulated Mastodon server should have brought. `origin`: the server's address. Favourites, bookmarks and follows
 * have no address and no date at the network: their ids are made of who did what to which, and their files of favourites are not copied
 * (libs/networks/src/mastodon/README.md).
 */
export function expectMastodon(account: AccountTruth, origin: string): ExpectedAccount {
  const actor = `${origin}/@${account.acct}`
  const marked =
    (kind: string, contentType: string, type: string) =>
    (status: TrueStatus): ExpectedItem => ({
      id: `${actor}#${kind}/${status.id}`,
      contentType,
      at: null,
      says: { type, actor, ...prefixed(postSays(status)) },
      media: kind === 'likes' ? [] : status.media,
    })
  return {
    network: 'mastodon',
    items: [
      ...account.statuses.map(statusItem(actor)),
      ...account.favourites.map(marked('likes', 'likes', 'Like')),
      ...account.bookmarks.map(marked('bookmarks', 'bookmarks', 'Add')),
      ...account.following.map(({ id, url }) => ({
        id: `${actor}#follows/${id}`,
        contentType: 'follows',
        at: null,
        says: { type: 'Follow', actor, 'object.id': url },
        media: [],
      })),
    ],
  }
}

const statusItem =
  (actor: string) =>
  (status: TrueStatus): ExpectedItem => {
    const { uri, createdAt, boosted } = status
    const at = new Date(createdAt).toISOString()
    const says = boosted
      ? { type: 'Announce', actor, published: at, ...prefixed(postSays(boosted)) }
      : { ...postSays(status), type: (type: unknown) => type === 'Note' || type === 'Question', 'asheville:raw.id': status.id }
    return { id: uri, contentType: 'posts', at, says, media: (boosted ?? status).media }
  }

function postSays({ uri, url, content, createdAt, editedAt, visibility }: TrueStatus) {
  return {
    id: uri,
    url,
    content,
    published: new Date(createdAt).toISOString(),
    updated: editedAt === null ? undefined : new Date(editedAt).toISOString(),
    'asheville:visibility': visibility,
  }
}

/** Of the post that something is about. */
function prefixed(says: ExpectedItem['says']): ExpectedItem['says'] {
  return Object.fromEntries(Object.entries(says).map(([path, wanted]) => [`object.${path}`, wanted]))
}

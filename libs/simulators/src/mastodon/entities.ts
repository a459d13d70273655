import { createRandom, escapeHtml } from '../kit/index.ts'
import { statusHtml } from './html.ts'
import { msOf } from './keys.ts'
import { mediaEntity } from './media.ts'
import type { AccountRecord, PollFields, StatusFields, StatusRecord } from './types.ts'
import type { World } from './world.ts'

const iso = (ms: number) => new Date(ms).toISOString()

/** Turns records into the entities of docs.joinmastodon.org/entities, as `viewer` sees them. `origin` is the server's own address. */
export function createEntities(world: World, origin: () => string, now: () => number) {
  const homeOf = (account: AccountRecord) => (account.domain === null ? origin() : `https://${account.domain}`)
  const urlOf = (account: AccountRecord) => `${homeOf(account)}/@${account.username}`

  function account(record: AccountRecord) {
    const random = createRandom('account', record.id)
    const shelf = world.shelf(record)
    const newest = shelf?.statuses.at(-1)
    const avatar = `${origin()}/media/accounts/avatars/original/${random.hex(8)}.png`
    const header = `${origin()}/media/accounts/headers/original/${random.hex(8)}.png`
    return {
      id: record.id,
      username: record.username,
      acct: record.domain === null ? record.username : `${record.username}@${record.domain}`,
      display_name: record.displayName,
      locked: false,
      bot: random.chance(0.05),
      discoverable: true,
      indexable: true,
      group: false,
      created_at: `${iso(record.createdMs).slice(0, 10)}T00:00:00.000Z`,
      note: `<p>${escapeHtml(record.about)}</p>`,
      url: urlOf(record),
      uri: `${homeOf(record)}/users/${record.username}`,
      avatar,
      avatar_static: avatar,
      avatar_description: '',
      header,
      header_static: header,
      header_description: '',
      followers_count: random.int(0, 9000),
      following_count: shelf ? shelf.following.length : random.int(0, 900),
      statuses_count: shelf ? shelf.statuses.length : random.int(1, 90_000),
      last_status_at: newest ? iso(msOf(newest.key)).slice(0, 10) : null,
      hide_collections: null,
      noindex: false,
      roles: [],
      emojis: [],
      fields: [
        {
          name: 'Site',
          value: statusHtml(`https://${record.username}.example/about`, { origin: origin(), mentions: [] }),
          verified_at: null,
        },
      ],
    }
  }

  function status(record: StatusRecord, viewer: AccountRecord | null): Record<string, unknown> {
    const fields = world.fieldsOf(record)
    const id = String(record.key)
    const random = createRandom('counts', id)
    const boosted = fields.reblogOf === null ? null : world.find(fields.reblogOf)
    const home = homeOf(record.account)
    const uri = `${home}/users/${record.account.username}/statuses/${id}`
    const mentions = fields.mentions.map((one) => ({
      id: one.id,
      username: one.username,
      url: urlOf(one),
      acct: one.domain === null ? one.username : `${one.username}@${one.domain}`,
    }))
    const shelf = viewer ? world.shelf(viewer) : null
    const seen = viewer && {
      favourited: shelf?.favourites.has(record.key) ?? false,
      reblogged: false,
      muted: false,
      bookmarked: shelf?.bookmarks.has(record.key) ?? false,
      ...(viewer.id === record.account.id && boosted === null ? { pinned: fields.pinned } : {}),
      filtered: [],
    }
    return {
      id,
      created_at: iso(msOf(record.key)),
      in_reply_to_id: fields.inReplyTo,
      in_reply_to_account_id: fields.inReplyToAccount,
      sensitive: fields.sensitive,
      spoiler_text: fields.spoilerText,
      visibility: fields.visibility,
      language: fields.language,
      uri: boosted ? `${uri}/activity` : uri,
      url: boosted ? `${uri}/activity` : `${urlOf(record.account)}/${id}`,
      replies_count: random.int(0, 20),
      reblogs_count: random.int(0, 50),
      favourites_count: random.int(0, 200) + (seen?.favourited ? 1 : 0),
      quotes_count: 0,
      edited_at: fields.editedAt === null ? null : iso(fields.editedAt),
      ...seen,
      content: contentOf(fields, boosted !== null, mentions),
      reblog: boosted ? status(boosted, viewer) : null,
      ...(record.account.domain === null ? { application: { name: 'Web', website: null } } : {}),
      account: account(record.account),
      media_attachments: fields.media.map((media) => mediaEntity(media, origin(), record.account.domain)),
      mentions,
      tags: fields.tags.map((name) => ({ name: name.toLowerCase(), url: `${origin()}/tags/${encodeURIComponent(name.toLowerCase())}` })),
      emojis: fields.emojis.map((shortcode) => emoji(shortcode)),
      quote: null,
      quote_approval: { automatic: [], manual: [], current_user: 'automatic' },
      card: fields.link === null ? null : card(fields.link),
      poll: fields.poll === null ? null : poll(fields.poll, id, viewer !== null),
    }
  }

  function contentOf(fields: StatusFields, isBoost: boolean, mentions: { username: string; url: string }[]): string {
    if (isBoost || fields.content !== '') return fields.content
    return fields.text === '' ? '' : statusHtml(fields.text, { origin: origin(), mentions })
  }

  function poll(fields: PollFields, id: string, hasViewer: boolean) {
    const random = createRandom('poll', id)
    const options = fields.options.map((title) => ({ title, votes_count: random.int(0, 30) }))
    const votes = options.reduce((sum, option) => sum + option.votes_count, 0)
    const seen = hasViewer ? { voted: true, own_votes: [0] } : {}
    const expired = fields.expiresAt !== null && fields.expiresAt <= now()
    return {
      id: String(BigInt(id) % 10_000_000n),
      expires_at: fields.expiresAt === null ? null : iso(fields.expiresAt),
      expired,
      multiple: fields.multiple,
      votes_count: votes,
      voters_count: fields.multiple ? Math.ceil(votes * 0.8) : votes,
      ...seen,
      options,
      emojis: [],
    }
  }

  function emoji(shortcode: string) {
    const url = `${origin()}/media/custom_emojis/images/original/${createRandom('emoji', shortcode).hex(8)}.png`
    return { shortcode, url, static_url: url, visible_in_picker: true }
  }

  function card(url: string) {
    const page = new URL(url)
    const image = createRandom('card', url).hex(8)
    return {
      url,
      title: `Article ${page.pathname.split('/').at(-1)} & more`,
      description: 'What the linked page says of itself.',
      language: 'en',
      type: 'link',
      authors: [],
      author_name: '',
      author_url: '',
      provider_name: page.hostname,
      provider_url: '',
      html: '',
      width: 120,
      height: 63,
      image: `${origin()}/media/preview_cards/images/original/${image}.png`,
      image_description: '',
      embed_url: '',
      blurhash: 'UeKUpFxuo~R%0nW;WCnhF6RjaJt757oJodS$',
      published_at: null,
    }
  }

  /** The signed-in account with what only it may see. */
  function credentialAccount(record: AccountRecord) {
    const source = {
      privacy: 'public',
      sensitive: false,
      language: '',
      note: record.about,
      fields: [],
      follow_requests_count: 0,
      hide_collections: null,
      discoverable: true,
      indexable: true,
    }
    return { ...account(record), source, role: { id: '-99', name: '', permissions: '65536', color: '', highlighted: false } }
  }

  return { account, credentialAccount, status }
}
export type Entities = ReturnType<typeof createEntities>

import { createRandom } from '../kit/index.ts'
import type { Media } from './media.ts'
import type { Account, MediaRecord, PlaceRecord, PollRecord, Post } from './records.ts'
import type { Renderer } from './render.ts'
import { saidDate } from './said-date.ts'
import type { Selection } from './selection.ts'
import type { World } from './world.ts'

type Parts = { world: World; renderer: Renderer; media: Media }
export type Wire = Record<string, unknown>
const iso = (ms: number) => new Date(ms).toISOString()
/** Only what was asked for, and nothing that there is not. */
const pick = (all: Record<string, () => unknown>, asked: ReadonlySet<string>, always: readonly string[]): Wire => {
  const wire: Wire = {}
  for (const [name, value] of Object.entries(all)) {
    if (!always.includes(name) && !asked.has(name)) continue
    const given = value()
    if (given !== undefined && given !== null) wire[name] = given
  }
  return wire
}
/** Fields that come with an expansion, asked for or not. */
const implied: Record<string, string> = {
  author_id: 'author_id',
  in_reply_to_user_id: 'in_reply_to_user_id',
  'referenced_tweets.id': 'referenced_tweets',
  'referenced_tweets.id.author_id': 'referenced_tweets',
  'referenced_tweets.id.attachments.media_keys': 'referenced_tweets',
  'attachments.media_keys': 'attachments',
  'attachments.poll_ids': 'attachments',
  'geo.place_id': 'geo',
  'entities.mentions.username': 'entities',
}
const editWindowMs = 30 * 60_000
/** Since when posts have an edit history worth a window. */
const editsBeganMs = Date.parse('2022-09-29T00:00:00Z')

/** The objects of X's data dictionary, of the fields asked for. */
export function createEntities({ world, renderer, media }: Parts) {
  function metrics(post: Post) {
    const random = createRandom('metrics', post.id)
    const seen = random.int(20, 4000)
    const share = (part: number) => Math.floor(seen * part * random.next())
    const [retweets, replies, likes, quotes, bookmarks] = [share(0.02), share(0.02), share(0.1), share(0.005), share(0.01)]
    return {
      retweet_count: retweets,
      reply_count: replies,
      like_count: post.retweetOf === null ? likes : 0,
      quote_count: post.retweetOf === null ? quotes : 0,
      bookmark_count: bookmarks,
      impression_count: post.retweetOf === null ? seen : 0,
    }
  }
  function references(post: Post) {
    const all = [
      post.retweetOf === null ? null : { type: 'retweeted', id: post.retweetOf },
      post.quoteOf === null ? null : { type: 'quoted', id: post.quoteOf },
      post.replyTo === null ? null : { type: 'replied_to', id: post.replyTo },
    ].filter((one) => one !== null)
    return all.length > 0 ? all : null
  }
  function attachments(post: Post) {
    if (post.retweetOf !== null || (post.media.length === 0 && !post.poll)) return null
    return {
      ...(post.media.length > 0 && { media_keys: post.media.map(({ key }) => key) }),
      ...(post.poll && { poll_ids: [post.poll.id] }),
    }
  }
  function editControls(post: Post) {
    if (post.createdMs < editsBeganMs) return null
    const first = world.posts.get(post.history[0]!)!
    const isOwnWords = post.retweetOf === null && !post.poll && (post.replyTo === null || post.replyToAccount === post.author.id)
    return {
      edits_remaining: Math.max(0, 6 - post.history.length),
      is_edit_eligible: isOwnWords,
      editable_until: iso(first.createdMs + editWindowMs),
    }
  }

  function tweet(post: Post, selection: Selection): Wire {
    const rendered = renderer.render(post)
    const asked = new Set([...selection.tweet, ...[...selection.expansions].map((name) => implied[name]!).filter(Boolean)])
    const wire = pick(
      {
        id: () => post.id,
        text: () => rendered.text,
        edit_history_tweet_ids: () => post.history.filter((id) => (world.posts.get(id)?.visibleMs ?? 0) <= world.now()),
        author_id: () => post.author.id,
        created_at: () => saidDate(post.createdMs),
        lang: () => post.language,
        conversation_id: () => post.conversationId,
        in_reply_to_user_id: () => post.replyToAccount,
        referenced_tweets: () => references(post),
        attachments: () => attachments(post),
        entities: () => rendered.entities,
        note_tweet: () => {
          const note = renderer.note(post)
          return note && { text: note.text, ...(note.entities && { entities: note.entities }) }
        },
        geo: () =>
          post.place && {
            place_id: post.place.id,
          },
        public_metrics: () => metrics(post),
        possibly_sensitive: () => post.isSensitive,
        reply_settings: () => 'everyone',
        source: () => post.source,
        edit_controls: () => editControls(post),
        display_text_range: () => [0, [...rendered.text].length],
      },
      asked,
      ['id', 'text', 'edit_history_tweet_ids'],
    )
    if (post.broken === 'noText') delete wire.text
    if (post.broken === 'nullText') wire.text = null
    if (post.broken === 'noCreatedAt') delete wire.created_at
    if (post.broken === 'badCreatedAt' && 'created_at' in wire) wire.created_at = 'yesterday'
    if (post.broken === 'nullEntities' && asked.has('entities')) wire.entities = null
    if (post.broken === 'badMetrics' && 'public_metrics' in wire) wire.public_metrics = { retweet_count: 'many', like_count: -1 }
    return wire
  }

  function user(account: Account, selection: Selection, viewer: Account, scopes: readonly string[]): Wire {
    const shelf = world.shelfOf(account)
    const random = createRandom('user', account.id)
    const link = account.website === null ? null : renderer.profileLink(account.website)
    return pick(
      {
        id: () => account.id,
        name: () => account.name,
        username: () => account.username,
        created_at: () => saidDate(account.createdMs),
        description: () => account.about,
        location: () => (account.location === '' ? null : account.location),
        url: () => link?.url ?? '',
        entities: () => link && { url: { urls: [link] } },
        protected: () => account.isProtected,
        verified: () => false,
        verified_type: () => 'none',
        profile_image_url: () => media.profileImage(account),
        confirmed_email: () => (account === viewer && scopes.includes('users.email') ? account.email : null),
        most_recent_tweet_id: () => world.timeline(account, viewer, 1)[0]?.id,
        subscription_type: () => (account === viewer ? 'None' : null),
        public_metrics: () => ({
          followers_count: random.int(0, 4000),
          following_count: shelf.following.length,
          tweet_count: world.countPosts(account).posts,
          listed_count: random.int(0, 20),
          like_count: shelf.likes.length,
          media_count: world.countPosts(account).withMedia,
        }),
      },
      selection.user,
      ['id', 'name', 'username'],
    )
  }

  function mediaObject(record: MediaRecord, selection: Selection, post: Post): Wire {
    const isVideo = record.type !== 'photo'
    const wire = pick(
      {
        media_key: () => record.key,
        type: () => record.type,
        width: () => record.width,
        height: () => record.height,
        alt_text: () => record.alt,
        url: () => (isVideo ? null : media.pictureUrl(record)),
        preview_image_url: () => (isVideo ? media.previewUrl(record) : null),
        duration_ms: () => (record.type === 'video' ? record.durationMs : null),
        variants: () => (isVideo ? media.variants(record) : null),
        public_metrics: () => (record.type === 'video' ? { view_count: createRandom('views', record.key).int(0, 9000) } : null),
      },
      selection.media,
      ['media_key', 'type'],
    )
    if (post.broken === 'unknownMediaType') wire.type = 'hologram'
    if (post.broken === 'mediaWithoutUrl') {
      delete wire.url
      delete wire.variants
      delete wire.preview_image_url
    }
    return wire
  }

  const poll = (record: PollRecord, selection: Selection): Wire =>
    pick(
      {
        id: () => record.id,
        options: () => record.options.map((label, i) => ({ position: i + 1, label, votes: record.votes[i] ?? 0 })),
        duration_minutes: () => record.minutes,
        end_datetime: () => iso(record.endsMs),
        voting_status: () => (record.endsMs <= world.now() ? 'closed' : 'open'),
      },
      selection.poll,
      ['id', 'options'],
    )

  const place = (record: PlaceRecord, selection: Selection): Wire =>
    pick(
      {
        id: () => record.id,
        full_name: () => record.fullName,
        name: () => record.name,
        country: () => record.country,
        country_code: () => record.countryCode,
        place_type: () => 'city',
        geo: () => ({
          type: 'Feature',
          bbox: [record.longitude - 0.1, record.latitude - 0.05, record.longitude + 0.1, record.latitude + 0.05],
          properties: {},
        }),
      },
      selection.place,
      ['id', 'full_name'],
    )

  return { tweet, user, media: mediaObject, poll, place }
}
export type EntityMaker = ReturnType<typeof createEntities>

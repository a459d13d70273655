import type { Call } from '../kit/index.ts'
import type { Fault } from './problems.ts'

const tweetFields =
  'article attachments author_id card_uri community_id context_annotations conversation_id created_at display_text_range edit_controls edit_history_tweet_ids entities geo id in_reply_to_user_id lang media_metadata non_public_metrics note_tweet organic_metrics paid_partnership possibly_sensitive promoted_metrics public_metrics referenced_tweets reply_settings scopes source text withheld'
const userFields =
  'affiliation confirmed_email connection_status created_at description entities id is_identity_verified location most_recent_tweet_id name parody pinned_tweet_id profile_banner_url profile_image_url protected public_metrics receives_your_dm subscription subscription_type url username verified verified_followers_count verified_type withheld'
const mediaFields =
  'alt_text duration_ms height media_key non_public_metrics organic_metrics preview_image_url promoted_metrics public_metrics type url variants width'
const pollFields = 'duration_minutes end_datetime id options voting_status'
const placeFields = 'contained_within country country_code full_name geo id name place_type'
const postExpansions =
  'article.cover_media article.media_entities attachments.media_keys attachments.media_source_tweet attachments.poll_ids author_id edit_history_tweet_ids entities.mentions.username entities.note.mentions.username geo.place_id in_reply_to_user_id referenced_tweets.id referenced_tweets.id.attachments.media_keys referenced_tweets.id.author_id'
const userExpansions = 'affiliation.user_id most_recent_tweet_id pinned_tweet_id'

const listsOf = (lists: Record<string, string>) =>
  Object.fromEntries(Object.entries(lists).map(([name, values]) => [name, values.split(' ')]))
/** What may be asked for where posts are answered, and where people are (X's OpenAPI description of August 2026). */
export const postLists: Record<string, string[]> = listsOf({
  expansions: postExpansions,
  'tweet.fields': tweetFields,
  'media.fields': mediaFields,
  'poll.fields': pollFields,
  'place.fields': placeFields,
  'user.fields': userFields,
})
export const userLists: Record<string, string[]> = listsOf({
  expansions: userExpansions,
  'user.fields': userFields,
  'tweet.fields': tweetFields,
})

/** The fields and expansions that a request asks for. */
export type Selection = {
  tweet: ReadonlySet<string>
  user: ReadonlySet<string>
  media: ReadonlySet<string>
  poll: ReadonlySet<string>
  place: ReadonlySet<string>
  expansions: ReadonlySet<string>
}

/** Reads lists of values; whatever is not among those allowed is a fault. */
export function readLists(
  query: URLSearchParams,
  lists: Record<string, string[]>,
): { values: Record<string, Set<string>>; faults: Fault[] } {
  const faults: Fault[] = []
  const values: Record<string, Set<string>> = {}
  for (const [name, allowed] of Object.entries(lists)) {
    const given = query.get(name)
    values[name] = new Set(given === null ? [] : given.split(','))
    for (const value of values[name])
      if (!allowed.includes(value))
        faults.push({
          parameters: { [name]: [given!] },
          message: `The \`${name}\` query parameter value [${value}] is not one of [${allowed.join(',')}]`,
        })
  }
  return { values, faults }
}

/** A request's selection, and what is wrong with it: values not allowed, parameters that the endpoint does not know or that come twice. */
export function readSelection(call: Call, lists: Record<string, string[]>, others: string[]): { selection: Selection; faults: Fault[] } {
  const { values, faults } = readLists(call.query, lists)
  const known = [...others, ...Object.keys(lists)]
  for (const name of new Set(call.query.keys())) {
    const all = call.query.getAll(name)
    if (!known.includes(name))
      faults.push({ parameters: { [name]: all }, message: `The query parameter [${name}] is not one of [${known.join(',')}]` })
    else if (all.length > 1)
      faults.push({ parameters: { [name]: all }, message: `Duplicate parameters are not allowed: the \`${name}\` query parameter` })
  }
  const of = (name: string) => values[name] ?? new Set<string>()
  const selection = {
    tweet: of('tweet.fields'),
    user: of('user.fields'),
    media: of('media.fields'),
    poll: of('poll.fields'),
    place: of('place.fields'),
    expansions: of('expansions'),
  }
  return { selection, faults }
}

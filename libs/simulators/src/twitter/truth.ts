import type { Media } from './media.ts'
import type { Account, Post } from './records.ts'
import { addressOf, isLong, linksIn } from './render.ts'
import { saidDate } from './said-date.ts'
import type { TwitterAccountTruth, TrueTweet, TwitterOptions } from './types.ts'
import type { World } from './world.ts'

const iso = (ms: number) => new Date(ms).toISOString()

/** What there is to copy, computed from the world and not through the API. */
export function createTruth(world: World, media: Media, options: TwitterOptions) {
  function truePost(post: Post): TrueTweet {
    const original = post.retweetOf === null ? null : world.posts.get(post.retweetOf)!
    const { author, poll, place } = post
    const kind = original ? 'retweet' : post.replyTo !== null ? 'reply' : post.quoteOf !== null ? 'quote' : 'post'
    const said = original ?? post
    return {
      id: post.id,
      kind,
      author: { id: author.id, username: author.username },
      createdAt: saidDate(post.createdMs),
      publishedAt: saidDate(world.posts.get(post.history[0]!)!.createdMs),
      text: said.text,
      isLong: isLong(said),
      url: addressOf(post),
      links: linksIn(said.text),
      language: post.language,
      sensitive: post.isSensitive,
      conversationId: post.conversationId,
      replyTo: post.replyTo,
      retweetOf: post.retweetOf,
      quoteOf: post.quoteOf,
      history: post.history.filter((id) => world.posts.get(id)!.visibleMs <= world.now()),
      poll: poll && { options: poll.options, votes: poll.votes, endsAt: iso(poll.endsMs) },
      place: place && { name: place.fullName, latitude: place.latitude, longitude: place.longitude },
      media: said.media.map((record) => media.truth(record)),
    }
  }
  return (account: Account): TwitterAccountTruth => {
    const shelf = world.shelfOf(account)
    const all = world.timeline(account, account, Infinity)
    const limit = options.timelineLimit ?? 3200
    const marked = (kind: 'likes' | 'bookmarks', many: number) =>
      shelf[kind]
        .slice(-many)
        .reverse()
        .map(({ id }) => world.newest(world.posts.get(id)!))
        .filter((post) => world.standing(post, account) === 'seen')
        .map(truePost)
    return {
      id: account.id,
      username: account.username,
      name: account.name,
      posts: all.slice(0, limit).map(truePost),
      beyondLimit: Math.max(0, all.length - limit),
      likes: marked('likes', Infinity),
      bookmarks: marked('bookmarks', options.bookmarkLimit ?? 800),
      following: shelf.following
        .filter((follow) => !follow.account.isSuspended)
        .map((follow) => ({ id: follow.account.id, username: follow.account.username }))
        .reverse(),
    }
  }
}

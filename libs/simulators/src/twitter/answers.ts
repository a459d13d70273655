import type { EntityMaker, Wire } from './entities.ts'
import { partial } from './problems.ts'
import type { PartialError } from './problems.ts'
import type { Account, Post } from './records.ts'
import type { Renderer } from './render.ts'
import type { Selection } from './selection.ts'
import type { World } from './world.ts'

/** Who asks, and for what. */
export type Asked = { viewer: Account; scopes: readonly string[]; selection: Selection }
export type Includes = { users?: Wire[]; tweets?: Wire[]; media?: Wire[]; polls?: Wire[]; places?: Wire[] }
export type Body = { data?: Wire | Wire[]; includes?: Includes; errors?: PartialError[]; meta?: Record<string, unknown> }

const privateFields = ['non_public_metrics', 'organic_metrics', 'promoted_metrics']

/** Puts answers together: data, what the expansions bring, and errors about what they could not. */
export function createAnswers({ world, entities, renderer }: { world: World; entities: EntityMaker; renderer: Renderer }) {
  function createIncludes({ viewer, scopes, selection }: Asked) {
    const users = new Map<string, Wire>()
    const tweets = new Map<string, Wire>()
    const media = new Map<string, Wire>()
    const polls = new Map<string, Wire>()
    const places = new Map<string, Wire>()
    const errors = new Map<string, PartialError>()
    const { expansions } = selection

    function addUser(id: string, parameter: string) {
      if (users.has(id)) return
      const account = world.byId.get(id)
      if (!account) errors.set(`${parameter} ${id}`, partial.missing('user', parameter, id))
      else if (account.isSuspended) errors.set(`${parameter} ${id}`, partial.suspended(parameter, id))
      else users.set(id, entities.user(account, selection, viewer, scopes))
    }
    function addMedia(post: Post) {
      if (post.broken === 'mediaWithoutInclude') return
      for (const record of post.media) media.set(record.key, entities.media(record, selection, post))
    }
    function addReference(id: string) {
      const parameter = 'referenced_tweets.id'
      const post = world.posts.get(id)
      const standing = world.standing(post, viewer)
      if (standing === 'missing') return errors.set(id, partial.missing('tweet', parameter, id))
      if (standing === 'forbidden') return errors.set(id, partial.unauthorized('tweet', parameter, id, 'includes'))
      tweets.set(id, entities.tweet(post!, selection))
      if (expansions.has('referenced_tweets.id.author_id')) addUser(post!.author.id, 'author_id')
      if (expansions.has('referenced_tweets.id.attachments.media_keys')) addMedia(post!)
    }
    function addMentions(post: Post, found: { username: string; id: string }[] | undefined, parameter: string) {
      for (const { username, id } of found ?? []) {
        const account = world.byId.get(id)
        if (account?.isSuspended) errors.set(`${parameter} ${username}`, partial.suspended(parameter, username))
        else if (account && !users.has(id)) users.set(id, entities.user(account, selection, viewer, scopes))
      }
    }

    return {
      errors,
      addUser,
      addTweet: (post: Post) => tweets.set(post.id, entities.tweet(post, selection)),
      add(post: Post) {
        if (expansions.has('author_id') && post.broken !== 'authorWithoutInclude') addUser(post.author.id, 'author_id')
        if (expansions.has('in_reply_to_user_id') && post.replyToAccount !== null) addUser(post.replyToAccount, 'in_reply_to_user_id')
        if (expansions.has('attachments.media_keys') && post.retweetOf === null) addMedia(post)
        if (expansions.has('attachments.poll_ids') && post.poll) polls.set(post.poll.id, entities.poll(post.poll, selection))
        if (expansions.has('geo.place_id') && post.place) places.set(post.place.id, entities.place(post.place, selection))
        if (expansions.has('entities.mentions.username'))
          addMentions(post, renderer.render(post).entities?.mentions, 'entities.mentions.username')
        if (expansions.has('entities.note.mentions.username'))
          addMentions(post, renderer.note(post)?.entities?.mentions, 'entities.note.mentions.username')
        const isReferring = [...expansions].some((name) => name.startsWith('referenced_tweets.id'))
        if (isReferring) for (const id of [post.retweetOf, post.quoteOf, post.replyTo]) if (id !== null) addReference(id)
        if (expansions.has('edit_history_tweet_ids'))
          for (const id of post.history)
            if (id !== post.id && world.standing(world.posts.get(id), viewer) === 'seen')
              tweets.set(id, entities.tweet(world.posts.get(id)!, selection))
        // Figures that only owners see are not to be had of anybody else's posts, nor of old ones.
        for (const field of privateFields)
          if (selection.tweet.has(field)) errors.set(`${field} ${post.id}`, partial.field(field, post.id, 'data'))
      },
      done(): { includes?: Includes; errors?: PartialError[] } {
        const lists = { users, tweets, media, polls, places }
        const filled = Object.entries(lists).filter(([, map]) => map.size > 0)
        return {
          ...(filled.length > 0 && { includes: Object.fromEntries(filled.map(([name, map]) => [name, [...map.values()]])) }),
          ...(errors.size > 0 && { errors: [...errors.values()] }),
        }
      },
    }
  }

  return {
    /** Posts in a list; `data` is left out when there is none, as X does. */
    posts(posts: readonly Post[], asked: Asked, more: { meta?: Record<string, unknown>; errors?: PartialError[] } = {}): Body {
      const includes = createIncludes(asked)
      for (const post of posts) includes.add(post)
      const data = posts.map((post) => entities.tweet(post, asked.selection))
      const { includes: included, errors = [] } = includes.done()
      const all = [...(more.errors ?? []), ...errors]
      return {
        ...(data.length > 0 && { data }),
        ...(included && { includes: included }),
        ...(all.length > 0 && { errors: all }),
        ...(more.meta && { meta: more.meta }),
      }
    },
    users(accounts: readonly Account[], asked: Asked, meta?: Record<string, unknown>): Body {
      const includes = createIncludes(asked)
      const data = accounts.map((account) => entities.user(account, asked.selection, asked.viewer, asked.scopes))
      if (asked.selection.expansions.has('most_recent_tweet_id'))
        for (const account of accounts) for (const post of world.timeline(account, asked.viewer, 1)) includes.addTweet(post)
      return { ...(data.length > 0 && { data }), ...includes.done(), ...(meta && { meta }) }
    },
  }
}
export type Answers = ReturnType<typeof createAnswers>

import type { ContentType, Stream } from '@asheville/core'
import { networkOf } from './start-site.ts'

const stream = (name: string, ...contentTypes: ContentType[]): Stream => ({
  name,
  version: 1,
  contentTypes,
  plan: () => Promise.resolve([]),
  pages: () => (async function* () {})(),
})

const never = () => Promise.reject(new Error('not for pages'))

/** One network for each way of signing in; the last tells what it does not give, and may be allowed in part. */
export const sampleNetworks = [
  networkOf({
    id: 'mastodon',
    title: 'Mastodon',
    description: 'Posts, favourites and bookmarks from any server.',
    streams: [stream('statuses', 'posts'), stream('favourites', 'likes')],
    logins: [
      {
        kind: 'oauth2-per-server',
        fields: [{ name: 'server', label: 'Your server', kind: 'url', placeholder: 'mastodon.social' }],
        scopes: ['read'],
        discover: never,
        register: never,
      },
    ],
  }),
  networkOf({
    id: 'bluesky',
    title: 'Bluesky',
    description: 'The whole repository.',
    streams: [stream('repository', 'posts', 'likes', 'follows')],
    logins: [
      {
        kind: 'fields',
        fields: [
          { name: 'handle', label: 'Handle', kind: 'text', autocomplete: 'username' },
          { name: 'password', label: 'App password', kind: 'password', help: 'Made in the settings there.' },
        ],
        signIn: never,
      },
    ],
  }),
  networkOf({
    id: 'harbour',
    title: 'Harbour',
    description: 'Posts, likes and events.',
    streams: [
      { ...stream('posts', 'posts'), scopes: ['read'], reach: 'Harbour gives the newest 100 posts only.' },
      { ...stream('likes', 'likes'), scopes: ['read', 'likes'], reach: 'Harbour gives the newest 50 likes only.' },
      { ...stream('events', 'events'), scopes: ['events'] },
    ],
    logins: [
      {
        kind: 'oauth2',
        scopes: ['read', 'likes'],
        clientIdVariable: 'HARBOUR_CLIENT_ID',
        clientSecretVariable: 'HARBOUR_CLIENT_SECRET',
        endpoints: () => {
          throw new Error('not for pages')
        },
      },
    ],
  }),
]

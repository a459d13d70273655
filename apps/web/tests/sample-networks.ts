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

/** One network for each way of signing in. */
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
]

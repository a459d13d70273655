import type { Connection } from '@asheville/clients'
import { startFacebook, startMastodon, startTwitter, type FacebookSimulator, type Simulator } from '@asheville/simulators'
import { expectFacebook, expectMastodon, expectTwitter, type ExpectedAccount } from './harness/index.ts'
import { connectOAuth, type Instance } from './instance.ts'
import { webUrl, type Person } from './storage-side.ts'

/** A simulated network as far as figures need to know it: which one it is makes no difference to them. */
export interface NetworkSide {
  readonly simulator: Simulator
  /** Settings by which the services reach it. */
  readonly env: Readonly<Record<string, string>>
  /** `METHOD pattern` of the request that lists posts. */
  readonly listing: string
  generate(posts: Posts): void
  /** A token of that account's, for somebody who asks the network without us. */
  token(account: string): string
  /** What it has is due at once. */
  connect(instance: Instance, person: Person, account: string): Promise<Connection>
  /** What that account should have brought. */
  expected(account: string): ExpectedAccount
}

export interface Posts {
  account: string
  seed: string
  posts: number
  /** Evenly spread, one each; none unless said otherwise. */
  pictures?: number
  /** ISO 8601. */
  from: string
  to: string
}

export interface SideOptions {
  accounts: readonly string[]
  latencyMs?: number
  seed?: string | number
  /** The address of what stands in front of it. */
  publicUrl?: string
}

export type StartNetwork = (options: SideOptions) => Promise<NetworkSide>

/** So small that making them takes no time. */
const pictureSize = { width: 16, height: 16 }

export const startMastodonSide: StartNetwork = async ({ accounts, ...options }) => {
  const simulator = await startMastodon({ accounts: [...accounts], rateLimit: null, pictureSize, ...options })
  const { url } = simulator
  return {
    simulator,
    env: {},
    listing: 'GET /api/v1/accounts/:id/statuses',
    generate: ({ posts, ...wanted }) => simulator.generate({ ...wanted, statuses: posts, boosts: false }),
    token: (account) => simulator.issueToken({ account }),
    connect: (instance, person, account) =>
      connectOAuth(instance, person, 'mastodon', { server: url }, (address) => simulator.authorize(address, { account })),
    expected: (account) => expectMastodon(simulator.truth()[account]!, url),
  }
}

/** Without X's limits: its newest 3,200 posts would be no figure of ours. */
const unlimited = { rateLimits: null, monthlyCap: null, timelineLimit: Infinity }

export const startTwitterSide: StartNetwork = async ({ accounts, ...options }) => {
  const app = { clientId: 'asheville-at-x', clientSecret: 'a secret of X’s app', redirectUris: [`${webUrl}/connect/twitter/callback`] }
  const simulator = await startTwitter({ accounts: [...accounts], app, pictureSize, ...unlimited, ...options })
  const { url } = simulator
  return {
    simulator,
    env: { TWITTER_CLIENT_ID: app.clientId, TWITTER_CLIENT_SECRET: app.clientSecret, TWITTER_API_URL: url, TWITTER_WEB_URL: url },
    listing: 'GET /2/users/:id/tweets',
    generate: ({ posts, ...wanted }) => simulator.generate({ ...wanted, tweets: posts, retweets: false }),
    token: (account) => simulator.issueTokens({ account }).accessToken,
    async connect(instance, person, account) {
      const connection = await connectOAuth(instance, person, 'twitter', {}, (address) => simulator.authorize(address, { account }))
      // X is paid by what is read: the person starts it.
      const ask = { userId: person.userId, params: { connectionId: connection.id } }
      return instance.accounts('web').updateConnection({ ...ask, body: { paused: false } })
    },
    expected: (account) => expectTwitter(simulator.truth(account)),
  }
}

export async function startFacebookSide({ accounts, ...options }: SideOptions): Promise<NetworkSide & { simulator: FacebookSimulator }> {
  const app = { id: '4242', secret: 'a secret of Facebook’s app', redirectUris: [`${webUrl}/connect/facebook/callback`] }
  const simulator = await startFacebook({ accounts: [...accounts], app, pictureSize, ...options })
  const { url } = simulator
  return {
    simulator,
    env: { FACEBOOK_CLIENT_ID: app.id, FACEBOOK_CLIENT_SECRET: app.secret, FACEBOOK_API_URL: url, FACEBOOK_WEB_URL: url },
    listing: 'GET /:version/:id/posts',
    generate: (wanted) => simulator.generate(wanted),
    token: (account) => simulator.issueToken({ account }),
    connect: (instance, person, account) =>
      connectOAuth(instance, person, 'facebook', {}, (address) => simulator.authorize(address, { account })),
    expected: (account) => expectFacebook(simulator.truth(account)),
  }
}

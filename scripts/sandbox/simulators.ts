import { join } from 'node:path'
import {
  startBluesky,
  startDropbox,
  startFacebook,
  startFeeds,
  startGoogleDrive,
  startMastodon,
  startS3,
  startTwitter,
  startWebdav,
} from '@asheville/simulators'
import type { Memory } from './memory.ts'

/** How much there is to copy. */
export interface Amount {
  posts: number
}

export interface Simulators {
  mastodon: Awaited<ReturnType<typeof startMastodon>>
  bluesky: Awaited<ReturnType<typeof startBluesky>>
  feeds: Awaited<ReturnType<typeof startFeeds>>
  twitter: Awaited<ReturnType<typeof startTwitter>>
  facebook: Awaited<ReturnType<typeof startFacebook>>
  dropbox: Awaited<ReturnType<typeof startDropbox>>
  googleDrive: Awaited<ReturnType<typeof startGoogleDrive>>
  webdav: Awaited<ReturnType<typeof startWebdav>>
  s3: Awaited<ReturnType<typeof startS3>>
  /** What an operator sets so that an installation reaches them, and is known to them. */
  settings: Record<string, string>
  close(): Promise<void>
}

export interface Wanted {
  memory: Memory
  amount: Amount
  /** The address of the installation's website, to which people are sent back. */
  webUrl: string
  /** Where each of the simulated storages keeps its files, in a folder of its name. */
  dataDir: string
}

const years = 5
const accounts = ['demo', 'guest']
/** On X and, minutes later, on Facebook. */
const saidTwice = [
  'The ridge was above the clouds all morning. Walked to the old fire tower and back before anybody else was up.',
  'The bakery on Lexington Avenue has its rye bread again. Queue early, they were sold out by nine today.',
  'Our little choir sings in the park on Saturday, with everything that we have practised since the spring. Come along!',
]

/** Networks with what `demo` has left there in five years, the same at every start, and the storages Dropbox, Google Drive, Nextcloud and S3. */
export async function startSimulators({ memory, amount, webUrl, dataDir }: Wanted): Promise<Simulators> {
  const { ports, madeAt } = memory
  const to = new Date(madeAt)
  const from = new Date(to)
  from.setUTCFullYear(from.getUTCFullYear() - years)
  const span = { from: from.toISOString(), to: to.toISOString() }
  const share = (part: number): number => Math.ceil(amount.posts * part)
  const seed = 'sandbox'

  const twitter = await startTwitter({ accounts, port: ports.twitter, seed, app: { redirectUris: [`${webUrl}/connect/twitter/callback`] } })
  const kept = { likes: share(0.15), bookmarks: share(0.03), following: share(0.04) }
  twitter.generate({ seed, account: 'demo', tweets: amount.posts, withMedia: 0.2, ...kept, ...span })
  twitter.generate({ seed: 'guest', account: 'guest', tweets: share(0.05), withMedia: true, ...span })
  const facebook = await startFacebook({
    accounts,
    port: ports.facebook,
    seed,
    app: { redirectUris: [`${webUrl}/connect/facebook/callback`] },
  })
  const left = { photos: share(0.05), videos: share(0.005), likes: share(0.03), events: share(0.01), checkIns: share(0.01) }
  facebook.generate({ seed, account: 'demo', posts: share(0.25), withMedia: 0.3, ...left, ...span })
  facebook.generate({ seed: 'guest', account: 'guest', posts: share(0.05), withMedia: true, ...span })
  saidTwice.forEach((text, index) => {
    const moment = to.getTime() - (index + 1) * 30 * 3600_000
    twitter.post({ account: 'demo', text, createdAt: new Date(moment) })
    facebook.post({ account: 'demo', message: text, createdAt: new Date(moment + 3 * 60_000) })
  })
  const mastodon = await startMastodon({ accounts, port: ports.mastodon, seed })
  const marks = { favourites: share(0.05), bookmarks: share(0.02), following: share(0.04) }
  mastodon.generate({ seed, account: 'demo', statuses: share(0.5), withMedia: 0.3, ...marks, ...span })
  mastodon.generate({ seed: 'guest', account: 'guest', statuses: share(0.05), withMedia: true, ...span })
  const bluesky = await startBluesky({ accounts, port: ports.bluesky, seed })
  const acts = { likes: share(0.06), reposts: share(0.03), follows: share(0.02) }
  await bluesky.generate({ seed, account: 'demo', posts: share(0.25), withImages: 0.3, ...acts, ...span })
  await bluesky.generate({ seed: 'guest', account: 'guest', posts: share(0.05), withImages: true, ...span })
  const feeds = await startFeeds({ port: ports.feeds, seed, title: 'Notes from the ridge', paged: true })
  feeds.generate({ seed, entries: share(0.05), withPictures: 0.5, ...span })
  const app = { redirectUris: [`${webUrl}/sign-in/dropbox/callback`] }
  const dropbox = await startDropbox({ accounts, port: ports.dropbox, seed, app, keptIn: join(dataDir, 'dropbox') })
  const googleDrive = await startGoogleDrive({
    accounts,
    port: ports['google-drive'],
    seed,
    app: { redirectUris: [`${webUrl}/sign-in/google-drive/callback`] },
    keptIn: join(dataDir, 'google-drive'),
  })
  const webdav = await startWebdav({ accounts, port: ports.webdav, seed, nextcloud: true, keptIn: join(dataDir, 'webdav') })
  const s3 = await startS3({ port: ports.s3, seed, keptIn: join(dataDir, 's3') })

  const all = { mastodon, bluesky, feeds, twitter, facebook, dropbox, googleDrive, webdav, s3 }
  return {
    ...all,
    settings: {
      OUTBOUND_ALLOW: Object.values(all)
        .map(({ url }) => new URL(url).host)
        .join(','),
      BLUESKY_API_URL: bluesky.url,
      TWITTER_API_URL: twitter.url,
      TWITTER_WEB_URL: twitter.url,
      TWITTER_CLIENT_ID: twitter.app.clientId,
      TWITTER_CLIENT_SECRET: twitter.app.clientSecret,
      FACEBOOK_API_URL: facebook.url,
      FACEBOOK_WEB_URL: facebook.url,
      FACEBOOK_CLIENT_ID: facebook.app.id,
      FACEBOOK_CLIENT_SECRET: facebook.app.secret,
      // The simulated Facebook lets every app ask for events.
      FACEBOOK_SCOPES: 'user_posts user_photos user_videos user_likes user_events',
      DROPBOX_API_URL: dropbox.url,
      DROPBOX_CONTENT_URL: dropbox.url,
      DROPBOX_NOTIFY_URL: dropbox.url,
      DROPBOX_WEB_URL: dropbox.url,
      DROPBOX_CLIENT_ID: dropbox.app.key,
      DROPBOX_CLIENT_SECRET: dropbox.app.secret,
      GOOGLE_DRIVE_API_URL: googleDrive.url,
      GOOGLE_DRIVE_OAUTH_URL: googleDrive.url,
      GOOGLE_DRIVE_WEB_URL: googleDrive.url,
      GOOGLE_DRIVE_CLIENT_ID: googleDrive.app.clientId,
      GOOGLE_DRIVE_CLIENT_SECRET: googleDrive.app.clientSecret,
    },
    async close() {
      await Promise.all(Object.values(all).map((simulator) => simulator.close()))
    },
  }
}

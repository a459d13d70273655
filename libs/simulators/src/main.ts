import { parseArgs } from 'node:util'
import { startBluesky } from './bluesky/index.ts'
import { startDropbox } from './dropbox/index.ts'
import { startFacebook } from './facebook/index.ts'
import { startFeeds } from './feeds/index.ts'
import { startGoogleDrive } from './google-drive/index.ts'
import { startMastodon } from './mastodon/index.ts'
import { startOAuthProvider } from './oauth-provider/index.ts'
import { startS3 } from './s3/index.ts'
import { startTwitter } from './twitter/index.ts'
import { startWebdav } from './webdav/index.ts'

/** Runs one simulator as a process: `node main.ts mastodon --port 4001 --seed 7 --latency 50 --options '{"rateLimit":null}' --generate '{"statuses":500}'`. */
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    port: { type: 'string', default: '0' },
    host: { type: 'string', default: '127.0.0.1' },
    seed: { type: 'string', default: '1' },
    latency: { type: 'string', default: '0' },
    options: { type: 'string', default: '{}' },
    generate: { type: 'string' },
  },
})
const starters = {
  bluesky: startBluesky,
  dropbox: startDropbox,
  facebook: startFacebook,
  feeds: startFeeds,
  'google-drive': startGoogleDrive,
  mastodon: startMastodon,
  'oauth-provider': startOAuthProvider,
  s3: startS3,
  twitter: startTwitter,
  webdav: startWebdav,
}
const name = positionals[0] ?? ''
if (!isKnown(name)) {
  process.stderr.write(`Which simulator? One of: ${Object.keys(starters).join(', ')}\n`)
  process.exit(2)
}
const extra = JSON.parse(values.options) as object
const simulator = await starters[name]({
  ...extra,
  host: values.host,
  port: Number(values.port),
  seed: values.seed,
  latencyMs: Number(values.latency),
})
if (values.generate !== undefined) {
  if (!('generate' in simulator)) throw new Error(`${name} generates nothing`)
  await simulator.generate(JSON.parse(values.generate) as object)
}
process.stdout.write(`${name} at ${simulator.url}\n`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void simulator.close())

function isKnown(name: string): name is keyof typeof starters {
  return Object.hasOwn(starters, name)
}

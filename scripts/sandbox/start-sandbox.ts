import { join, relative, resolve } from 'node:path'
import { startConstellation, type Constellation, type ConstellationOptions } from '../constellation.ts'
import { freePortBlock } from '../service-ports.ts'
import { webUrl } from '../services.ts'
import { loadMemory, type Memory } from './memory.ts'
import { logins, settlePeople } from './people.ts'
import { startSimulators, type Amount, type Simulators } from './simulators.ts'

export interface SandboxOptions extends Omit<ConstellationOptions, 'watch' | 'entry'> {
  /** 2,000 posts unless said otherwise. */
  amount?: Amount
}

export interface Sandbox {
  constellation: Constellation
  simulators: Simulators
  memory: Memory
  /** Who can sign in, and what can be connected by hand: lines for people. */
  introduction: string[]
  /** Everything, the simulators last. */
  close(): Promise<void>
}

/** Starts every simulator and an installation that may reach them, with an owner and a demo person who is connected to most of them. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { env, amount = { posts: 2000 }, onLine } = options
  const dataDir = resolve(options.dataDir)
  // The simulators must know it before it is there.
  const port = options.port === 0 ? await freePortBlock() : options.port
  const memory = await loadMemory(dataDir, port)
  const simulators = await startSimulators({ memory, amount, webUrl: webUrl(env, port), dataDir })
  let constellation: Constellation | undefined
  const close = async (): Promise<void> => {
    await constellation?.close()
    await simulators.close()
  }
  try {
    const { OUTBOUND_ALLOW, ...settings } = simulators.settings
    const allowed = [env['OUTBOUND_ALLOW'] ?? '', OUTBOUND_ALLOW].filter((address) => address !== '').join(',')
    const operator = { ...env, ...settings, OUTBOUND_ALLOW: allowed, SIGN_UP_OPEN: 'true' }
    constellation = await startConstellation({ ...options, port, env: operator })
    await settlePeople(constellation, simulators, memory)
    onLine?.('       the demo person is connected to what is simulated, but for Google Drive, Nextcloud and S3')
    return { constellation, simulators, memory, introduction: introductionOf(simulators, memory, dataDir), close }
  } catch (error) {
    await close()
    throw error
  }
}

function introductionOf(simulators: Simulators, { passwords }: Memory, dataDir: string): string[] {
  const { mastodon, bluesky, feeds, twitter, facebook, dropbox, googleDrive, webdav, s3 } = simulators
  const shown = (folder: string): string => {
    const place = relative(process.cwd(), folder)
    return place.startsWith('..') ? folder : place
  }
  const guest = {
    mastodon: mastodon.account('guest'),
    bluesky: bluesky.account('guest'),
    twitter: twitter.account('guest'),
    facebook: facebook.account('guest'),
    dropbox: dropbox.account('guest'),
    googleDrive: googleDrive.account('guest'),
    webdav: webdav.account('guest'),
  }
  return [
    '',
    'Sign in',
    `  ${logins.demo.email}    ${passwords.demo}    whose posts of five years are being copied`,
    `  ${logins.owner.email}   ${passwords.owner}    the owner`,
    `  with Dropbox       there: ${guest.dropbox.email} / ${guest.dropbox.password}`,
    `  with Google Drive  there: ${guest.googleDrive.email} / ${guest.googleDrive.password}`,
    '',
    'Connect by hand; these are simulated and run on this machine',
    `  X          there: ${guest.twitter.username} / ${guest.twitter.password}`,
    `  Facebook   there: ${guest.facebook.email} / ${guest.facebook.password}`,
    `  Mastodon   server ${mastodon.url}   there: ${guest.mastodon.username} / ${guest.mastodon.password}`,
    `  Bluesky    handle ${guest.bluesky.handle}   app password ${guest.bluesky.appPassword}   server ${bluesky.url}`,
    `  A blog     ${feeds.url}`,
    `  WebDAV     a Nextcloud at ${webdav.url}   there: ${guest.webdav.name} / ${guest.webdav.password}`,
    `  S3         endpoint ${s3.url}   bucket copies   keys ${s3.keys.accessKeyId} / ${s3.keys.secretAccessKey}`,
    '',
    `What is copied to Dropbox lies in ${shown(join(dataDir, 'dropbox'))}, what is copied to the disk in ${shown(join(dataDir, 'files'))}.`,
    `Everything is kept in ${shown(dataDir)}. Ctrl-C ends all of it.`,
  ]
}

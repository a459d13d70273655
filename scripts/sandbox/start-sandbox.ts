import { relative, resolve } from 'node:path'
import { startConstellation, type Constellation, type ConstellationOptions } from '../constellation.ts'
import { loadMemory, type Memory } from './memory.ts'
import { startNetworks, type Amount, type SimulatedNetworks } from './networks.ts'
import { logins, settlePeople } from './people.ts'

export interface SandboxOptions extends Omit<ConstellationOptions, 'watch' | 'entry'> {
  /** 2,000 posts unless said otherwise. */
  amount?: Amount
}

export interface Sandbox {
  constellation: Constellation
  networks: SimulatedNetworks
  memory: Memory
  /** Who can sign in, and what can be connected by hand: lines for people. */
  introduction: string[]
  /** Everything, the simulated networks last. */
  close(): Promise<void>
}

/** Starts simulated networks and an installation that may reach them, with an owner and a demo person who is connected to all of them. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { env, dataDir, port, amount = { posts: 2000 }, onLine } = options
  const memory = await loadMemory(resolve(dataDir), port)
  const networks = await startNetworks(memory, amount)
  let constellation: Constellation | undefined
  const close = async (): Promise<void> => {
    await constellation?.close()
    await networks.close()
  }
  try {
    const reach = [networks.mastodon, networks.bluesky, networks.feeds].map(({ url }) => new URL(url).host)
    const settings = {
      ...env,
      OUTBOUND_ALLOW: [env['OUTBOUND_ALLOW'] ?? '', ...reach].filter((address) => address !== '').join(','),
      BLUESKY_API_URL: networks.bluesky.url,
      SIGN_UP_OPEN: 'true',
    }
    constellation = await startConstellation({ ...options, env: settings })
    await settlePeople(constellation, networks, memory)
    onLine?.('       the demo person is connected to every simulated network')
    return { constellation, networks, memory, introduction: introductionOf(networks, memory, dataDir), close }
  } catch (error) {
    await close()
    throw error
  }
}

function introductionOf({ mastodon, bluesky, feeds }: SimulatedNetworks, { passwords }: Memory, dataDir: string): string[] {
  const guest = { mastodon: mastodon.account('guest'), bluesky: bluesky.account('guest') }
  const place = relative(process.cwd(), resolve(dataDir))
  return [
    '',
    'Sign in',
    `  ${logins.demo.email}    ${passwords.demo}    whose posts of five years are being copied`,
    `  ${logins.owner.email}   ${passwords.owner}    the owner`,
    '',
    'Connect by hand; these networks are simulated and run on this machine',
    `  Mastodon   server ${mastodon.url}   there: ${guest.mastodon.username} / ${guest.mastodon.password}`,
    `  Bluesky    handle ${guest.bluesky.handle}   app password ${guest.bluesky.appPassword}   server ${bluesky.url}`,
    `  A blog     ${feeds.url}`,
    '',
    `Everything is kept in ${place.startsWith('..') ? resolve(dataDir) : place}. Ctrl-C ends all of it.`,
  ]
}

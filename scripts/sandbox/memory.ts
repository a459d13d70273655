import { randomInt } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isPortFree } from '../embedded/ports.ts'

/** What is simulated beside an installation, each on a port of its own. */
const simulated = ['mastodon', 'bluesky', 'feeds', 'twitter', 'facebook', 'dropbox', 'webdav', 's3', 'google-drive'] as const
type Simulated = (typeof simulated)[number]

/**
 * What a sandbox keeps from one start to the next, in `DATA_DIR/sandbox.json` (0600). Where a network is, is a part of who an account there
 * is: its ports stay. So does the day on which it was made, since the simulated people's history ends there.
 */
export interface Memory {
  madeAt: string
  ports: Record<Simulated, number>
  passwords: { owner: string; demo: string }
}

/** Read, or made on the first start, with ports from ten after `port` on. Throws when another program took one of them. */
export async function loadMemory(dataDir: string, port: number): Promise<Memory> {
  const file = join(dataDir, 'sandbox.json')
  const known = existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as Memory) : null
  if (known === null && existsSync(join(dataDir, 'postgres')))
    throw new Error(`${dataDir} is no sandbox: something else is kept there. Set DATA_DIR to another place`)
  const ports: Partial<Memory['ports']> = known?.ports ?? {}
  for (const [name, taken] of Object.entries(ports))
    if (!(await isPortFree(taken))) throw new Error(`Port ${taken}, where the simulated ${name} was, is taken by another program`)
  // A newer version may simulate more than the one that made it.
  const added = simulated.filter((name) => ports[name] === undefined)
  if (known !== null && added.length === 0) return known
  const first = Math.max(port === 0 ? 21_000 + randomInt(5000) : port + 10, ...Object.values(ports).map((taken) => taken + 1))
  const found = await freePorts(first, added.length)
  const memory: Memory = {
    madeAt: known?.madeAt ?? new Date().toISOString(),
    ports: { ...ports, ...Object.fromEntries(added.map((name, index) => [name, found[index]])) } as Memory['ports'],
    passwords: known?.passwords ?? { owner: passphrase(), demo: passphrase() },
  }
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  await writeFile(file, `${JSON.stringify(memory, null, 2)}\n`, { mode: 0o600 })
  return memory
}

async function freePorts(first: number, count: number): Promise<number[]> {
  const found: number[] = []
  for (let port = first; found.length < count && port < Math.min(first + 200, 65_536); port += 1)
    if (await isPortFree(port)) found.push(port)
  if (found.length < count) throw new Error(`There are no free ports from ${first} on for what is simulated`)
  return found
}

const words = [
  'amber',
  'birch',
  'cedar',
  'dusk',
  'elder',
  'fern',
  'grove',
  'hazel',
  'iris',
  'juniper',
  'laurel',
  'maple',
  'north',
  'oak',
  'pine',
  'ridge',
]

/** Easy to type, of four words and a number: 30 bits, for what is on this machine alone. */
function passphrase(): string {
  return [...Array.from({ length: 4 }, () => words[randomInt(words.length)]!), randomInt(10_000, 100_000)].join('-')
}

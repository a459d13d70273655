import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { alive, endProcess, identityOf } from './process-table.ts'

interface Entry {
  pid: number
  /** When it started: a later process of the same number is another one. */
  identity: string | null
}

interface Stored {
  launcher: Entry
  children: Record<string, Entry>
}

export interface RunRecord {
  set(name: string, pid: number): void
  unset(name: string): void
  /** Everything has ended. */
  remove(): void
}

/**
 * Takes the data directory for this process. Throws when another launcher that is alive has it; ends what a launcher that
 * was killed left behind (the names in `order` first to last), telling `say`.
 */
export async function takeDataDir(dataDir: string, order: readonly string[], say: (line: string) => void): Promise<RunRecord> {
  const file = join(dataDir, 'run.json')
  const before = read(file)
  if (before !== null && before.launcher.pid !== process.pid && isSame(before.launcher)) {
    throw new Error(
      `Asheville already runs with the data in ${dataDir} (process ${before.launcher.pid}). Stop it, or set DATA_DIR to another folder.`,
    )
  }
  const orphans = Object.entries(before?.children ?? {})
    .filter(([, entry]) => isSame(entry))
    .sort(([left], [right]) => order.indexOf(left) - order.indexOf(right))
  if (orphans.length > 0) say(`Ending what an earlier start left behind: ${orphans.map(([name]) => name).join(', ')}`)
  for (const [name, entry] of orphans) await endProcess(entry.pid, name === 'postgres' ? 'SIGINT' : 'SIGTERM', 5_000)

  const stored: Stored = { launcher: entryOf(process.pid), children: {} }
  const save = (): void => {
    writeFileSync(`${file}.new`, JSON.stringify(stored), { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }
  save()
  return {
    set: (name, pid) => {
      stored.children[name] = entryOf(pid)
      save()
    },
    unset: (name) => {
      stored.children = Object.fromEntries(Object.entries(stored.children).filter(([other]) => other !== name))
      save()
    },
    remove: () => rmSync(file, { force: true }),
  }
}

const entryOf = (pid: number): Entry => ({ pid, identity: identityOf(pid) })

function isSame({ pid, identity }: Entry): boolean {
  return alive(pid) && identityOf(pid) === identity
}

function read(file: string): Stored | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Stored
  } catch {
    // None, or half a one from a power cut: nothing of that time runs any more, or Postgres' own mark tells.
    return null
  }
}

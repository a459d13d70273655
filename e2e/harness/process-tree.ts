import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/**
 * A process and all that came from it, parents first. A process group is not enough for Postgres: each of its backends is the leader
 * of a group of its own.
 */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>()
  for (const [pid, parent] of process.platform === 'linux' ? fromProc() : fromPs())
    children.set(parent, [...(children.get(parent) ?? []), pid])
  const tree = [root]
  for (const pid of tree) tree.push(...(children.get(pid) ?? []))
  return tree
}

/** Signals every process of a tree; those that are gone already are fine. */
export function signalTree(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
    }
  }
}

/** Every process and its parent, as proc(5) tells. */
function fromProc(): [number, number][] {
  return readdirSync('/proc').flatMap((name): [number, number][] => {
    if (!/^\d+$/.test(name)) return []
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      // The second field is a name in parentheses that may hold anything.
      const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]
      return [[Number(name), Number(parent)]]
    } catch {
      // It ended meanwhile.
      return []
    }
  })
}

function fromPs(): [number, number][] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
  return stdout.split('\n').flatMap((line): [number, number][] => {
    const [pid, parent] = line.trim().split(/\s+/).map(Number)
    return pid === undefined || parent === undefined ? [] : [[pid, parent]]
  })
}

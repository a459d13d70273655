import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'

/** Calls `onLine` for each line that a child writes to its standard output or error. */
export function linesOf(child: ChildProcess, onLine: (line: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue
    createInterface({ input: stream, crlfDelay: Infinity }).on('line', onLine)
  }
}

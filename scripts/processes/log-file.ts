import { createWriteStream, mkdirSync, renameSync, statSync, type WriteStream } from 'node:fs'
import { dirname } from 'node:path'

export interface LogFile {
  write(line: string): void
  close(): Promise<void>
}

/**
 * Appends lines to a file and keeps it bounded: past `maxBytes` it becomes `<path>.1`, the one before `<path>.2` and so on, and
 * no more than `keep` old ones stay. A disk that is full loses lines, never the process.
 */
export function createLogFile(path: string, maxBytes = 10 * 1024 * 1024, keep = 3): LogFile {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  let bytes = sizeOf(path)
  let stream = open(path)

  function rotate(): void {
    stream.end()
    for (let age = keep; age >= 1; age -= 1) move(age === 1 ? path : `${path}.${age - 1}`, `${path}.${age}`)
    stream = open(path)
    bytes = 0
  }

  return {
    write: (line) => {
      const text = `${line}\n`
      const size = Buffer.byteLength(text)
      if (bytes > 0 && bytes + size > maxBytes) rotate()
      bytes += size
      stream.write(text)
    },
    close: () => new Promise((resolve) => stream.end(() => resolve())),
  }
}

function open(path: string): WriteStream {
  const stream = createWriteStream(path, { flags: 'a', mode: 0o600 })
  stream.on('error', () => undefined)
  return stream
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

function move(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
}

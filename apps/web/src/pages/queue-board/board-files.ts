import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, extname, join } from 'node:path'

const types: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
}

export interface BoardFiles {
  /** What bull-board's own page begins with, by their paths. */
  styles: string[]
  scripts: string[]
  /** null: there is no such file. */
  read(path: string): { type: string; bytes: Buffer } | null
}

/** The browser's part of bull-board, from its package; only files that were in it are read. */
export function loadBoardFiles(): BoardFiles {
  const root = join(dirname(createRequire(import.meta.url).resolve('@bull-board/ui/package.json')), 'dist')
  const begins = readFileSync(join(root, 'index.ejs'), 'utf8')
  const files = new Set(
    readdirSync(join(root, 'static'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && extname(entry.name) in types)
      .map((entry) => join(entry.parentPath, entry.name)),
  )
  return {
    styles: [...begins.matchAll(/href="(static\/[^"]+\.css)"/g)].map(([, path = '']) => path),
    scripts: [...begins.matchAll(/src="(static\/[^"]+\.js)"/g)].map(([, path = '']) => path),
    read(path) {
      const file = join(root, 'static', path)
      return files.has(file) ? { type: types[extname(file)] ?? '', bytes: readFileSync(file) } : null
    },
  }
}

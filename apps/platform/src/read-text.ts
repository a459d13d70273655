import type { Readable } from 'node:stream'
import type { Storage } from '@asheville/core'

/** The whole of a file as text; null: there is none. */
export async function readText(storage: Storage, path: string, signal: AbortSignal): Promise<string | null> {
  const got = await storage.get(path, { signal })
  return got === null || got === 'unchanged' ? null : textOf(got.body)
}

export async function textOf(body: Readable): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of body) pieces.push(piece as Buffer)
  return Buffer.concat(pieces).toString()
}

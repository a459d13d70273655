import { nameIn } from './address.ts'
import type { Client } from './client.ts'
import { parentOf } from './folders.ts'
import { propfind, type Resource } from './propfind.ts'

/** What is at the address of a file that was just put; null: nothing. */
export type Find = (address: string) => Promise<Resource | null>

interface Asked {
  address: string
  resolve(found: Promise<Resource | null>): void
}

/**
 * For some files that are put by one call, where the answers do not tell their tags: those that are under way at the same time are asked about folder by
 * folder, rather than one by one. Each is put by a function that may ask once, when it has nothing else left to do.
 */
export function askTogether(client: Client, signal: AbortSignal): <T>(put: (find: Find) => Promise<T>) => Promise<T> {
  let busy = 0
  let waiting: Asked[] = []

  function settle(): void {
    busy -= 1
    if (busy > 0) return
    const byFolder = Map.groupBy(waiting, ({ address }) => parentOf(address))
    waiting = []
    for (const [folder, files] of byFolder) findIn(folder, files)
  }

  function findIn(folder: string, files: readonly Asked[]): void {
    const listed = files.length > 1 ? propfind(client, folder, 1, signal) : Promise.resolve([])
    for (const { address, resolve } of files) {
      const name = nameIn(folder, address)
      const isIt = ({ href }: Resource) => name !== null && nameIn(folder, href)?.normalize() === name.normalize()
      resolve(listed.then((found) => found?.find(isIt) ?? findOne(client, address, signal)))
    }
  }

  return async (put) => {
    busy += 1
    let isBusy = true
    const end = () => {
      if (isBusy) settle()
      isBusy = false
    }
    try {
      return await put(
        (address) =>
          new Promise((resolve) => {
            waiting.push({ address, resolve })
            end()
          }),
      )
    } finally {
      end()
    }
  }
}

export async function findOne(client: Client, address: string, signal: AbortSignal): Promise<Resource | null> {
  const [found] = (await propfind(client, address, 0, signal)) ?? []
  return found ?? null
}

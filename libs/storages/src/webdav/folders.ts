import { dismiss, errorOf, type Client } from './client.ts'

/** The folders of one collection that are known to be there, so that each is made once. */
export interface Folders {
  /** Makes the folder at this address and those above it, down from `root`, as far as they are missing. */
  ensure(address: string, signal: AbortSignal): Promise<void>
  /** Somebody removed one: nothing is known any more. */
  forget(): void
}

/** @param root a folder that is there, as an address that ends with a slash */
export function createFolders(client: Client, root: string): Folders {
  const known = new Map<string, Promise<void>>()

  function ensure(address: string, signal: AbortSignal): Promise<void> {
    if (address === root) return Promise.resolve()
    const running = known.get(address)
    if (running) return running
    const made = make(address, signal)
    known.set(address, made)
    made.catch(() => known.delete(address))
    return made
  }

  async function make(address: string, signal: AbortSignal): Promise<void> {
    const first = await mkcol(client, address, signal)
    if (first !== 'no-parent') return knowParents(address)
    await ensure(parentOf(address), signal)
    const second = await mkcol(client, address, signal)
    if (second === 'no-parent') known.delete(parentOf(address))
  }

  /** Nothing lies in a folder that is not there. */
  function knowParents(address: string): void {
    for (let folder = parentOf(address); folder.length > root.length; folder = parentOf(folder))
      if (!known.has(folder)) known.set(folder, Promise.resolve())
  }

  return { ensure, forget: () => known.clear() }
}

/** The folder around a file or folder, by address. */
export function parentOf(address: string): string {
  return new URL(address.endsWith('/') ? '..' : '.', address).href
}

/** RFC 4918 §9.3: 405 where it exists already, 409 where the one around it does not. */
async function mkcol(client: Client, address: string, signal: AbortSignal): Promise<'made' | 'exists' | 'no-parent'> {
  const response = await client.send('MKCOL', address, { signal, redirect: 'manual' })
  dismiss(response)
  if (response.status === 201 || response.status === 200) return 'made'
  if (response.status === 405 || response.status === 301) return 'exists'
  if (response.status === 409 || response.status === 404) return 'no-parent'
  throw errorOf(response)
}

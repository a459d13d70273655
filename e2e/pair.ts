import { check, readIndex, untilAtRest, type Verdict } from './harness/index.ts'
import { startInstance, type Instance } from './instance.ts'
import type { NetworkSide } from './network-side.ts'
import { webUrl, type Person, type StorageSide } from './storage-side.ts'

/** A simulated network, a storage, and somebody whose storage it is; nothing is connected yet. */
export interface Pair<N extends NetworkSide = NetworkSide, S extends StorageSide = StorageSide> {
  network: N
  storage: S
  instance: Instance
  person: Person
  /** Both sides are closed too. */
  close(): Promise<void>
}

export async function startPair<N extends NetworkSide, S extends StorageSide>(network: N, storage: S): Promise<Pair<N, S>> {
  let instance: Instance | undefined
  const close = async () => {
    await instance?.close()
    await Promise.all([network.simulator.close(), storage.close()])
  }
  try {
    const env = { WEB_URL: webUrl, ...network.env, ...storage.env }
    instance = await startInstance([network.simulator.url, ...storage.reach], env)
    return { network, storage, instance, person: await storage.signIn(instance), close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Waits until nothing is left to be done, and compares the storage and the index with what these accounts have at their network. */
export async function checkPair({ network, storage, instance, person }: Pair, accounts: readonly string[]): Promise<Verdict> {
  await untilAtRest(instance.constellation)
  const index = await readIndex(instance.platform('web'), person.userId)
  const expected = accounts.map((account) => network.expected(account))
  return storage.withFolder(instance, person, (folder) => check({ folder, expected, index }))
}

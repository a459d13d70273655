import { createRandom } from '../kit/index.ts'
import { createLock } from './lock.ts'
import type { Lock } from './lock.ts'
import { createTree } from './tree.ts'
import type { Tree } from './tree.ts'
import type { Account, DropboxOptions } from './types.ts'

/**
 * An account with what belongs to it. `epoch` counts resets of its cursors; `failEntries` how many entries of batches are still to fail;
 * `backoff` what a longpoll's answer asks for, and until when the last one did.
 */
export type Place = {
  account: Account
  tree: Tree
  lock: Lock
  epoch: number
  failEntries: number
  backoff: { seconds: number | null; until: number }
  jobs: Map<string, Job>
}
export type Job = { isRunning: boolean; result: unknown }

/** The accounts of a simulator. */
export function createWorld(options: DropboxOptions, now: () => number): Place[] {
  const seed = options.seed ?? 1
  return (options.accounts ?? ['alice', 'bob']).map((name) => {
    const random = createRandom(seed, 'account', name)
    const account: Account = {
      // A `dbid` has 40 characters in all.
      id: `dbid:A${random.hex(17)}`,
      uid: String(random.int(10_000_000, 99_999_999)),
      name,
      email: `${name}@example.com`,
      password: options.passwords?.[name] ?? 'correct horse',
      rootNamespace: String(random.int(1_000_000, 9_999_999)),
    }
    const tree = createTree(`${seed}/${name}`, options.quotaBytes ?? 2 * 1024 ** 3, now)
    return { account, tree, lock: createLock(), epoch: 0, failEntries: 0, backoff: { seconds: null, until: 0 }, jobs: new Map() }
  })
}

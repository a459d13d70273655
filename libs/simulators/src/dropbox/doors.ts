import { contentOf } from './content.ts'
import { fileMetadata } from './metadata.ts'
import type { OAuth } from './oauth.ts'
import { parsePath } from './paths.ts'
import type { Sessions } from './sessions.ts'
import type { Account, Put } from './types.ts'
import type { Place } from './world.ts'

/** What a test does to accounts beside the API: as the person with Dropbox's own apps, or as Dropbox. Without an account: the first. */
export function createDoors(places: readonly Place[], oauth: OAuth, sessions: Sessions) {
  const placeOf = (name = places[0]!.account.name): Place => {
    const place = places.find(({ account }) => account.name === name)
    if (!place) throw new Error(`no account ${name}`)
    return place
  }
  const nodeAt = (path: string, account?: string) => {
    const { tree } = placeOf(account)
    const node = tree.get(parsePath(path)?.key ?? '')
    if (!node) throw new Error(`nothing at ${path}`)
    return { node, tree }
  }
  return {
    account: (name?: string): Account => ({ ...placeOf(name).account }),
    /** Saves a file over whatever file is there; a text is saved as UTF-8. Throws with the tag of what stands against it. */
    put(path: string, bytes: Uint8Array | string, { account, clientModified }: Put = {}) {
      const { tree } = placeOf(account)
      const written = tree.commit({
        path,
        mode: { '.tag': 'overwrite' },
        autorename: false,
        strictConflict: true,
        clientModified: clientModified?.getTime() ?? null,
        content: contentOf([Buffer.from(bytes)]),
      })
      if ('fault' in written) throw new Error(`${path}: ${written.fault['.tag']}`)
      return fileMetadata(tree, written.node)
    },
    /** Deletes a file or a folder; `''`: all that is there. */
    remove(path: string, account?: string) {
      const { tree } = placeOf(account)
      const nodes = path === '' ? tree.list('', false) : [nodeAt(path, account).node]
      for (const node of nodes) tree.remove(node)
    },
    /** Moves or renames a file or a folder. */
    move(path: string, to: string, account?: string) {
      const { node, tree } = nodeAt(path, account)
      const written = tree.relocate(node, to, false, true)
      if ('fault' in written) throw new Error(`${to}: ${written.fault['.tag']}`)
    },
    /** The bytes of a file. Throws when there is none. */
    read(path: string, account?: string): Buffer {
      const { node } = nodeAt(path, account)
      if (node.kind !== 'file') throw new Error(`${path} is a folder`)
      return Buffer.concat(node.content.pieces)
    },
    /** How often something was written at each path. */
    writes: (account?: string): Record<string, number> => placeOf(account).tree.writes(),

    setQuota: (bytes: number, account?: string) => placeOf(account).tree.setQuota(bytes),
    /** Other things of the person take all that is left but `leaving` bytes. */
    fill(leaving = 0, account?: string) {
      const { tree } = placeOf(account)
      tree.setOther(0)
      const { used, allocated } = tree.space()
      tree.setOther(Math.max(0, allocated - used - leaving))
    },
    free: (account?: string) => placeOf(account).tree.setOther(0),

    /** Tokens without the way through a browser. Default scopes: all of the app. */
    issueTokens: (wanted: { account?: string; scopes?: string[] } = {}) => oauth.grant(placeOf(wanted.account).account, wanted.scopes),
    /** All access tokens of an account, or of everybody, are over; refresh tokens go on. */
    expireTokens: (account?: string) => oauth.expire(account === undefined ? undefined : placeOf(account).account),
    /** The person disconnects the app: access and refresh tokens are worth nothing. */
    revokeTokens: (account?: string) => oauth.revoke(account === undefined ? undefined : placeOf(account).account),
    /** How often access was given, in a browser or by `issueTokens`, and not taken back since. */
    liveGrants: (account?: string) => oauth.liveGrants(account === undefined ? undefined : placeOf(account).account),
    /** Dropbox knows the app no longer (or again). */
    setAppKnown: (known: boolean) => oauth.setAppKnown(known),

    /** All cursors so far answer `reset`. */
    resetCursors: (account?: string) => void placeOf(account).epoch++,
    /** Answers of longpolls ask to wait so long before the next; null: they say nothing of it. */
    setBackoff: (seconds: number | null, account?: string) => void (placeOf(account).backoff.seconds = seconds),
    forgetSessions: (account?: string) => sessions.forget(placeOf(account).account.id),
    /** Upload sessions begun and not committed. */
    openSessions: (account?: string) => sessions.count(placeOf(account).account.id),
    /** Holds the account's lock as another client would, until the returned function is called. */
    holdLock: (account?: string): (() => void) => placeOf(account).lock.hold(),
    /** Commits that found the lock held. */
    lockRefusals: (account?: string) => placeOf(account).lock.refused(),
    /** The next so many entries of batches fail with `too_many_write_operations`. */
    failEntries: (many: number, account?: string) => void (placeOf(account).failEntries = many),
  }
}
export type Doors = ReturnType<typeof createDoors>

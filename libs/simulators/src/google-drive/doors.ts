import { folderType, type Drive } from './drive.ts'
import { driveFile, type OAuth } from './oauth.ts'
import type { Account } from './types.ts'

/** What tests do besides the API: as the person with their own Drive, as Google, as another process of the app. */
export function createDoors(
  places: readonly { account: Account; drive: Drive }[],
  oauth: OAuth,
  uploads: { forget(): void; open(): number },
) {
  const placeOf = (name = places[0]!.account.name) => {
    const place = places.find(({ account }) => account.name === name)
    if (!place) throw new Error(`no account ${name}`)
    return place
  }
  const driveOf = (account?: string) => placeOf(account).drive
  return {
    account: (name?: string) => placeOf(name).account,
    /** The bytes of a file. Throws when there is none. */
    read: (path: string, account?: string): Buffer => driveOf(account).at(path).revisions.at(-1)!.data,
    /** The person uploads a new version of a file of the app. */
    edit: (path: string, text: string, account?: string) => driveOf(account).replace(driveOf(account).at(path), Buffer.from(text)),
    /** The app makes another file or folder (`text` null) with a name that there is already, as two of its processes may. */
    duplicate(path: string, text: string | null, account?: string) {
      const drive = driveOf(account)
      const { name, parent, mimeType } = drive.at(path)
      drive.create({ name, parent: parent!, mimeType, appProperties: {} }, text === null ? null : Buffer.from(text))
    },
    /** The person makes a file of their own, which the app does not see. */
    putOwn(name: string, text: string, account?: string) {
      const drive = driveOf(account)
      drive.create({ name, parent: drive.root, mimeType: 'text/plain', appProperties: {}, isOurs: false }, Buffer.from(text))
    },
    rename: (path: string, name: string, account?: string) => {
      const drive = driveOf(account)
      const file = drive.at(path)
      file.name = name
      drive.note(file.id)
    },
    /** Moves a file or folder into another folder; `''`: to the top of the Drive. */
    move: (path: string, folder: string, account?: string) => {
      const drive = driveOf(account)
      const file = drive.at(path)
      file.parent = folder === '' ? drive.root : drive.at(folder).id
      drive.note(file.id)
    },
    trash: (path: string, account?: string) => {
      const drive = driveOf(account)
      const file = drive.at(path)
      file.isTrashed = true
      drive.note(file.id)
    },
    /** Deletes a file, or a folder with all that is in it, for good. */
    remove: (path: string, account?: string) => driveOf(account).remove(driveOf(account).at(path)),
    isFolder: (path: string, account?: string) => driveOf(account).at(path).mimeType === folderType,

    setQuota: (bytes: number, account?: string) => driveOf(account).setQuota(bytes),
    /** Other things of the person take all that is left but `leaving` bytes. */
    fill(leaving = 0, account?: string) {
      const drive = driveOf(account)
      drive.setOther(0)
      drive.setOther(Math.max(0, drive.limit() - drive.usage() - leaving))
    },
    free: (account?: string) => driveOf(account).setOther(0),

    /** Tokens without the way through a browser. */
    issueTokens: (wanted: { account?: string; scopes?: string[] } = {}) =>
      oauth.grant(placeOf(wanted.account).account, wanted.scopes ?? [driveFile]),
    expireTokens: (account?: string) => oauth.expire(account === undefined ? undefined : placeOf(account).account),
    /** The person takes the app's access away: access and refresh tokens are worth nothing. */
    revokeTokens: (account?: string) => oauth.revoke(account === undefined ? undefined : placeOf(account).account),
    liveGrants: (account?: string) => oauth.liveGrants(account === undefined ? undefined : placeOf(account).account),
    forgetSessions: () => uploads.forget(),
    openSessions: () => uploads.open(),
  }
}
export type Doors = ReturnType<typeof createDoors>

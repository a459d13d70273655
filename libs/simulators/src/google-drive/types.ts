import type { RateLimit, SimulatorOptions } from '../kit/index.ts'

export type GoogleApp = { clientId?: string; clientSecret?: string; name?: string; redirectUris?: string[] }

export type GoogleDriveOptions = SimulatorOptions & {
  /** Names; `alice` and `bob` unless told otherwise. Passwords are `correct horse` unless told otherwise. */
  accounts?: string[]
  passwords?: Record<string, string>
  app?: GoogleApp
  /** How long access tokens live; 3599 s as Google's do. */
  tokenSeconds?: number
  /** The form where people sign in has the first account's password in it already. */
  prefillSignIn?: boolean
  quotaBytes?: number
  /** null: no limit, as in some organisations. */
  rateLimit?: RateLimit | null
  /** The largest page of a list, whatever is asked for. */
  pageSize?: number
  /** Answers to uploads tell no `sha256Checksum`, which is there "if available". */
  tellsSha256?: boolean
  /** A folder of this machine where what the accounts hold is kept, and read back at the next start. */
  keptIn?: string
}

export type Account = { id: string; name: string; email: string; password: string }

export type Revision = { id: string; data: Buffer; md5: string; sha256: string; modifiedAt: number }
/** A file or a folder. `isOurs`: made by the app, which sees nothing else with the scope `drive.file`. */
export type DriveFile = {
  id: string
  name: string
  mimeType: string
  parent: string | null
  isTrashed: boolean
  createdAt: number
  modifiedAt: number
  appProperties: Record<string, string>
  /** Oldest first; the last is the head. None: a folder. */
  revisions: Revision[]
  isOurs: boolean
}

export type TrueFile = { path: string; id: string; bytes: number; sha256: string; md5: string; headRevisionId: string; revisions: number }
export type GoogleDriveAccountTruth = { usage: number; limit: number; folders: string[]; files: TrueFile[]; trashed: string[] }
export type GoogleDriveTruth = Record<string, GoogleDriveAccountTruth>

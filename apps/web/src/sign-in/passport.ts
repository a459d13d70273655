import type { Session } from '@asheville/clients'
import type { Visit } from '@asheville/service'
import passport from 'passport'
import type { Site } from '../site.ts'
import { PasswordStrategy } from './password-strategy.ts'
import { StorageStrategy } from './storage-strategy.ts'

/** What accounts opened for whoever proved who they are. */
export interface Opened {
  token: string
  session: Session
  /** Where they wanted to go; null: nowhere. */
  returnTo: string | null
  /** They were never here before. */
  isNew: boolean
}

/** What a strategy is given with a visit. Nothing of it comes from Passport's own options or sessions. */
export interface SignInOptions {
  visit: Visit
  /** What was filled in, by field. */
  fields: Readonly<Record<string, string>>
  returnTo: string | null
  /** The query that a browser came back with from a storage; null when it is only now to be sent there. */
  callback: Readonly<Record<string, string>> | null
}

/** The one way in for passwords and storages: null when the browser was sent elsewhere. Throws what the services refused. */
export type SignIn = (strategy: string, options: SignInOptions) => Promise<Opened | null>

export const passwordStrategy = 'password'

/** Which storage of that name; passwords have none. */
export const storageStrategy = (provider: string): string => `storage ${provider}`

/** Passport with our strategies, without its sessions: what is pending and who is signed in, accounts knows. */
export function createSignIn(site: Site): SignIn {
  const authenticator = new passport.Passport()
  authenticator.use(passwordStrategy, new PasswordStrategy(site))
  for (const { id } of site.storages) authenticator.use(storageStrategy(id), new StorageStrategy(site, id))

  return (strategy, options) =>
    new Promise((resolve, reject) => {
      const { request, response } = options.visit
      const done = (error: unknown, opened?: Opened | false | null): void => {
        if (error) reject(error as Error)
        else resolve(opened || null)
      }
      response.once('finish', () => resolve(null))
      const handle = authenticator.authenticate(strategy, { session: false, ...options }, done) as (...args: unknown[]) => void
      handle(request, response, done)
    })
}

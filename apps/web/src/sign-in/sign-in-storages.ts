import { kindOf } from '@asheville/core'
import type { Visit } from '@asheville/service'
import { fieldsOf } from '../pages/connect-provider/show.ts'
import type { Site } from '../site.ts'

export interface SignInStorage {
  id: string
  title: string
  /** Something has to be filled in first, such as a server's name. */
  hasFields: boolean
}

/** The storages that people can sign in with here; none while nobody can tell. */
export async function signInStorages(site: Site, visit: Visit): Promise<SignInStorage[]> {
  const { providers } = await site
    .backends(visit)
    .accounts.listProviders({})
    .catch((error: unknown) => {
      if (kindOf(error) !== 'unavailable') throw error
      return { providers: [] }
    })
  const able = new Set(providers.filter(({ canSignIn }) => canSignIn).map(({ id }) => id))
  return site.storages.flatMap((storage) => {
    const login = oauthLogin(storage)
    return login && able.has(storage.id) ? [{ id: storage.id, title: storage.title, hasFields: fieldsOf(login).length > 0 }] : []
  })
}

/** The login by which people are sent to the storage to sign in. */
export function oauthLogin({ logins }: Site['storages'][number]): Site['storages'][number]['logins'][number] | null {
  return logins.find(({ kind }) => kind !== 'fields') ?? null
}

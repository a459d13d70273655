import { AshevilleError, type Fields, type Login, type LoginIo, type OAuthClient } from '@asheville/core'
import type { Context } from '../context.ts'
import { addRegistration, findRegistration, type AppRegistration, type RegistrationPlace } from '../queries/app-registrations.ts'

/** What of an adapter concerns signing in. */
export interface Provider {
  id: string
  title: string
  logins: readonly Login[]
}

/**
 * The one address that browsers come back to from this provider, whatever for (RFC 9700 §4.4): it tells which one an answer is
 * from. With a storage people also sign in, so that its pages need no session.
 */
export function redirectUriOf(webUrl: string, { kind, adapter }: { kind: 'network' | 'storage'; adapter: { id: string } }): string {
  return `${webUrl}/${kind === 'storage' ? 'sign-in' : 'connect'}/${adapter.id}/callback`
}

/** The app that the operator registered with a provider. `invalid` when there is none. */
export function operatorsClient(
  provider: Pick<Provider, 'title'>,
  login: Extract<Login, { kind: 'oauth2' }>,
  variables: Fields,
): OAuthClient {
  const clientId = variables[login.clientIdVariable] ?? ''
  if (clientId === '') {
    throw new AshevilleError(
      'invalid',
      `${provider.title} is not set up on this server yet. The operator sets ${login.clientIdVariable} and ${login.clientSecretVariable}`,
    )
  }
  return { clientId, clientSecret: variables[login.clientSecretVariable] || null }
}

/**
 * Our registration with a server: made when the first person connects to it, kept for everybody. Several at once make one
 * request.
 */
export function createRegistrar({ db, sealing }: Pick<Context, 'db' | 'sealing'>) {
  const pending = new Map<string, Promise<AppRegistration>>()

  async function find(login: PerServerLogin, place: RegistrationPlace, io: LoginIo): Promise<AppRegistration> {
    const known = await findRegistration(db, place, sealing)
    if (known) return known
    return addRegistration(db, place, await login.register(place.server, place.redirectUri, io), sealing)
  }

  return (login: PerServerLogin, place: RegistrationPlace, io: LoginIo): Promise<AppRegistration> => {
    const key = JSON.stringify(place)
    const running = pending.get(key)
    if (running) return running
    const started = find(login, place, io).finally(() => pending.delete(key))
    pending.set(key, started)
    return started
  }
}

export type PerServerLogin = Extract<Login, { kind: 'oauth2-per-server' }>
export type Registrar = ReturnType<typeof createRegistrar>

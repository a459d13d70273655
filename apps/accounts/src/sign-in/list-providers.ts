import type { accountsRoutes } from '@asheville/clients'
import type { Login } from '@asheville/core'
import type { Handler } from '@asheville/service'
import { scopesOf } from '../connect/scopes-of.ts'
import type { Context } from '../context.ts'
import { signInLogin } from './sign-in-login.ts'

export function handleListProviders(
  context: Pick<Context, 'networks' | 'storages' | 'variables'>,
): Handler<typeof accountsRoutes.listProviders> {
  const { networks, storages, variables } = context
  const isReady = (logins: readonly Login[]) =>
    logins.length === 0 || logins.some((login) => login.kind !== 'oauth2' || Boolean(variables[login.clientIdVariable]))
  const asks = (logins: readonly Login[]) => logins.flatMap((login) => (login.kind === 'fields' ? [] : scopesOf(login, variables)))
  const providers = [
    ...networks.map(({ id, logins }) => ({
      id,
      kind: 'network' as const,
      isReady: isReady(logins),
      canSignIn: false,
      asks: asks(logins),
    })),
    ...storages.map((storage) => ({
      id: storage.id,
      kind: 'storage' as const,
      isReady: isReady(storage.logins),
      canSignIn: signInLogin(storage, context) !== null,
      asks: asks(storage.logins),
    })),
  ]
  return () => Promise.resolve({ providers })
}

import { AshevilleError, kindOf, type Account, type LoggedIn, type Network, type StorageAdapter } from '@asheville/core'
import type { Context, findAdapter } from '../context.ts'
import { withScratch } from './with-scratch.ts'

type Adapter = NonNullable<ReturnType<typeof findAdapter>>

/**
 * Asks the other side who this is, before anything is saved: what cannot do that is no connection. An access that was given a
 * moment ago and is refused is `invalid`.
 */
export async function accountOf(
  context: Pick<Context, 'http' | 'variables'>,
  found: Adapter,
  userId: string,
  { tokens, server, fields }: LoggedIn,
  signal: AbortSignal,
): Promise<Account> {
  const { http, variables } = context
  const token = () =>
    tokens ? Promise.resolve(tokens.accessToken) : Promise.reject(new AshevilleError('reconnect-required', 'There is no access'))
  const io = { http, variables, token, server, fields, now: () => new Date() }
  const asked =
    found.kind === 'storage'
      ? storageAccount(found.adapter, { ...io, account: { id: userId, handle: '' } }, signal)
      : networkAccount(found.adapter, { ...io, account: { id: '', handle: '' } }, signal)
  return asked.catch(refusedAtOnce(found.adapter.title))
}

/** For the failure of what was asked with an access of a moment ago: reconnecting would not help. */
export function refusedAtOnce(title: string): (error: unknown) => never {
  return (error) => {
    if (kindOf(error) !== 'reconnect-required') throw error
    throw new AshevilleError('invalid', `${title} does not accept the access that it has just given`, { cause: error })
  }
}

function storageAccount(adapter: StorageAdapter, io: Parameters<StorageAdapter['account']>[0], signal: AbortSignal): Promise<Account> {
  return adapter.account(io, signal)
}

function networkAccount(
  adapter: Network,
  io: Omit<Parameters<Network['account']>[0], 'scratch' | 'signal'>,
  signal: AbortSignal,
): Promise<Account> {
  return withScratch((scratch) => adapter.account({ ...io, scratch: () => scratch, signal }))
}

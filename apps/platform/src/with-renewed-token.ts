import { kindOf, type PutResult, type Storage } from '@asheville/core'
import type { AccessToken } from '@asheville/clients'

/** The same storage, which asks for another token and tries once more when the one that it had was refused. */
export function withRenewedToken(storage: Storage, token: Pick<AccessToken, 'reject'>): Storage {
  async function renewing<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (kindOf(error) !== 'reconnect-required' || !token.reject()) throw error
      return work()
    }
  }
  const { removeAll, space, changes, untilChange } = storage
  return {
    can: storage.can,
    async put(files, signal) {
      const results = await storage.put(files, signal)
      const refused = files.filter((_, index) => isRefused(results[index]))
      if (refused.length === 0 || !token.reject()) return results
      const again = await storage.put(refused, signal)
      return results.map((result) => (isRefused(result) ? again.shift()! : result))
    },
    get: (path, want) => renewing(() => storage.get(path, want)),
    stat: (path, signal) => renewing(() => storage.stat(path, signal)),
    async *list(prefix, signal) {
      let hasBegun = false
      try {
        for await (const file of storage.list(prefix, signal)) {
          hasBegun = true
          yield file
        }
      } catch (error) {
        // What was told already must not be told again.
        if (hasBegun || kindOf(error) !== 'reconnect-required' || !token.reject()) throw error
        yield* storage.list(prefix, signal)
      }
    },
    remove: (path, revision, signal) => renewing(() => storage.remove(path, revision, signal)),
    ...(removeAll && { removeAll: (signal: AbortSignal) => renewing(() => removeAll.call(storage, signal)) }),
    ...(space && { space: (signal: AbortSignal) => renewing(() => space.call(storage, signal)) }),
    ...(changes && { changes: (since: string | null, signal: AbortSignal) => renewing(() => changes.call(storage, since, signal)) }),
    ...(untilChange && {
      untilChange: (since: string, maxMs: number, signal: AbortSignal) => renewing(() => untilChange.call(storage, since, maxMs, signal)),
    }),
  }
}

function isRefused(result: PutResult | undefined): boolean {
  return result?.outcome === 'failed' && kindOf(result.error) === 'reconnect-required'
}

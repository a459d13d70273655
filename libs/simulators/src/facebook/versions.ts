import type { Call } from '../kit/index.ts'
import { errors } from './errors.ts'

export const defaultVersions = ['v20.0', 'v21.0', 'v22.0', 'v23.0', 'v24.0', 'v25.0', 'v26.0']

/**
 * The versions of the API (developers.facebook.com/docs/graph-api/guides/versioning): what is older than the oldest is served by the oldest, what is
 * newer than the newest or no version at all is an unknown path.
 */
export function createVersions(wanted: readonly string[], count: (name: string) => void) {
  let versions = wanted
  const numberOf = (version: string) => Number(/^v(\d{1,3}\.\d)$/.exec(version)?.[1] ?? Number.NaN)
  /** The version that answers a call, or null. */
  function answering({ path }: Call): string | null {
    const [, first = ''] = path.split('/')
    if (versions.includes(first)) return first
    return numberOf(first) < numberOf(versions[0]!) ? versions[0]! : null
  }
  return {
    numberOf,
    answering,
    /** The same; throws Graph's error when there is none. */
    served(call: Call): string {
      const [, first, ...rest] = call.path.split('/')
      const version = answering(call)
      if (version === null) throw errors.unknownPath(`/${rest.join('/')}`)
      if (version !== first) count('oldVersions')
      return version
    },
    set: (next: string[]) => void (versions = next),
  }
}
export type Versions = ReturnType<typeof createVersions>

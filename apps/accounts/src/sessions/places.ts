import { isIP } from 'node:net'
import maxmind, { type CityResponse } from 'maxmind'

/** Where network addresses are. */
export interface Places {
  /** Such as `Asheville, United States`, in that language where the file has it; null: nobody knows. */
  find(address: string, locale: string): string | null
}

/** Of a server without such a file. */
export const noPlaces: Places = { find: () => null }

/**
 * Places from a file in MaxMind's format (https://maxmind.github.io/MaxMind-DB/), of cities or of countries; it is read again
 * when it is replaced. Throws what an operator should do when it cannot be read.
 */
export async function openPlaces(file: string): Promise<Places> {
  const reader = await maxmind
    .open<CityResponse>(file, { watchForUpdates: true, watchForUpdatesNonPersistent: true })
    .catch((error: unknown) => {
      throw new Error(`GEOIP_FILE: ${file} is no readable file in MaxMind's format`, { cause: error })
    })
  return {
    find(address, locale) {
      if (isIP(address) === 0) return null
      const found = reader.get(address)
      const names = [found?.city?.names, (found?.country ?? found?.registered_country)?.names]
      const place = names.map((name) => nameIn(name, locale)).filter((name) => name !== null)
      return place.length === 0 ? null : place.join(', ')
    },
  }
}

function nameIn(names: object | undefined, locale: string): string | null {
  const known = (names ?? {}) as Partial<Record<string, string>>
  return known[locale] ?? known[locale.split('-')[0]!] ?? known['en'] ?? null
}

import { createHash, randomBytes } from 'node:crypto'
import type { Call } from '../kit/index.ts'

/**
 * Addresses as Facebook's hosts for pictures and videos have them: a signature (`oh`), an end (`oe`, hexadecimal seconds), and a part that is another
 * each time the same file is named.
 */
export function createSignedAddresses(seconds: number, now: () => number) {
  const secret = randomBytes(16).toString('hex')
  let generation = 1
  const signed = ['stp', '_nc_ohc', '_nc_gid', 'oe']
  const sign = (path: string, query: URLSearchParams) =>
    `00_${createHash('sha256')
      .update([secret, path, ...signed.map((name) => query.get(name) ?? '')].join('\n'))
      .digest('base64url')
      .slice(0, 32)}`

  return {
    /** `path` with everything behind it; `size` is null for a file as it was uploaded. */
    sign(path: string, size: string | null): string {
      const query = new URLSearchParams({ ...(size !== null && { stp: size }), _nc_cat: '1', ccb: '1-7' })
      query.set('_nc_ohc', randomBytes(12).toString('base64url'))
      query.set('_nc_gid', String(generation))
      query.set(
        'oe',
        Math.floor(now() / 1000 + seconds)
          .toString(16)
          .toUpperCase(),
      )
      query.set('oh', sign(path, query))
      return `${path}?${query}`
    },
    /** What is wrong with an address, in the words of the host; null: nothing. */
    wrongWith({ path, query }: Call): string | null {
      const end = query.get('oe') ?? ''
      if (!/^[0-9A-F]{8}$/.test(end)) return 'Bad URL timestamp'
      if (query.get('oh') !== sign(path, query)) return 'URL signature mismatch'
      const isOver = Number.parseInt(end, 16) * 1000 <= now() || Number(query.get('_nc_gid')) < generation
      return isOver ? 'URL signature expired' : null
    },
    /** Whatever was signed until now is over. */
    expireAll: () => void generation++,
  }
}
export type SignedAddresses = ReturnType<typeof createSignedAddresses>

import { createHash } from 'node:crypto'

/** Where a page begins: below this key (`next`), or above it (`previous`). */
export type Bound = { direction: 'next' | 'previous'; key: bigint }

/** Pagination tokens that say nothing to who holds them; one of another list or another person is not valid. */
export function createPageTokens(seed: string | number) {
  const pad = (list: string) => createHash('sha256').update(`${seed} ${list}`).digest()
  const sealed = (text: Buffer, list: string) => {
    const stream = pad(list)
    return Buffer.from(text.map((byte, i) => byte ^ stream[i % stream.length]!))
  }
  return {
    make(list: string, { direction, key }: Bound): string {
      const plain = Buffer.from(`${direction === 'next' ? 'n' : 'p'}${key.toString(36).padStart(14, '0')}`)
      return `7140${BigInt(`0x01${sealed(Buffer.concat([plain, pad(`${list} ${plain}`).subarray(0, 4)]), list).toString('hex')}`).toString(36)}`
    },
    /** Null when it is none of this list's. */
    read(list: string, token: string): Bound | null {
      if (!/^7140[0-9a-z]{10,80}$/.test(token)) return null
      const hex = [...token.slice(4)].reduce((sum, digit) => sum * 36n + BigInt(parseInt(digit, 36)), 0n).toString(16)
      const bytes = sealed(Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0').slice(2), 'hex'), list)
      const plain = bytes.subarray(0, -4).toString('latin1')
      if (!/^[np][0-9a-z]{14}$/.test(plain) || !bytes.subarray(-4).equals(pad(`${list} ${plain}`).subarray(0, 4))) return null
      const key = [...plain.slice(1)].reduce((sum, digit) => sum * 36n + BigInt(parseInt(digit, 36)), 0n)
      return { direction: plain.startsWith('n') ? 'next' : 'previous', key }
    },
  }
}
export type PageTokens = ReturnType<typeof createPageTokens>

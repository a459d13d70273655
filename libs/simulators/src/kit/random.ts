import { createHash } from 'node:crypto'

/** A seeded source of pseudo-random values: the same seed gives the same values on every machine. */
export interface Random {
  /** In [0, 1). */
  next(): number
  /** A whole number in [min, max], both ends included. */
  int(min: number, max: number): number
  pick<T>(list: readonly T[]): T
  chance(probability: number): boolean
  /** `bytes` bytes in lower-case hexadecimal. */
  hex(bytes: number): string
}

/** 32-bit FNV-1a of a text, as an unsigned number. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) {
    hash ^= text.charCodeAt(i)
    hash = Math.imul(hash, 0x01000193)
  }
  return hash >>> 0
}

/**
 * Makes a generator (mulberry32) from a seed and any number of labels; cheap enough to make one per generated post,
 * so that post number 99,999 needs none of those before it.
 */
export function createRandom(seed: string | number, ...labels: (string | number)[]): Random {
  let state = hash32([seed, ...labels].join('\u001f'))
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const int = (min: number, max: number) => min + Math.floor(next() * (max - min + 1))
  return {
    next,
    int,
    pick: (list) => {
      if (list.length === 0) throw new Error('pick from an empty list')
      return list[int(0, list.length - 1)]!
    },
    chance: (probability) => next() < probability,
    hex: (bytes) => Array.from({ length: bytes }, () => int(0, 255).toString(16).padStart(2, '0')).join(''),
  }
}

/** SHA-256 in hexadecimal. */
export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

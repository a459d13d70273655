import { createHash } from 'node:crypto'
import type { Request } from 'express'
import { conflictWithStatus } from './problem.ts'

/** A strong validator of what is answered: a hash of its bytes. */
export function etagOf(body: string | Buffer): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`
}

/** Whether the caller has this already (RFC 9110 §13.1.2: a weak comparison). */
export function isKnown({ headers }: Request, etag: string): boolean {
  return tagsOf(headers['if-none-match']).some((tag) => tag === '*' || tag.replace(/^W\//, '') === etag)
}

/** What `If-Match` (RFC 9110 §13.1.1: a strong comparison) asks for; `isChecked` tells whether anybody has looked. */
export function createMatch({ headers }: Request): { check(current: unknown): void; isForgotten(): boolean } {
  const tags = headers['if-match'] === undefined ? null : tagsOf(headers['if-match'])
  let isChecked = false
  return {
    check(current) {
      isChecked = true
      if (tags === null || tags.includes('*') || tags.includes(etagOf(JSON.stringify(current)))) return
      throw conflictWithStatus(412, 'It was changed meanwhile. Read it again')
    },
    isForgotten: () => tags !== null && !isChecked,
  }
}

function tagsOf(header: string | undefined): string[] {
  return header?.match(/\*|(?:W\/)?"[^"]*"/g) ?? []
}

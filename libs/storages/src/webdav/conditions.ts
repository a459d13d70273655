import type { Upload } from '@asheville/core'

/**
 * As RFC 4918 §10.4 has it, `If` rather than `If-Match`: Apache calls the tag of what was just written weak, which `If-Match` never takes.
 * With the address that it is about: what has none, Apache holds against the folder around it as well.
 *
 * @param address what is to be replaced or removed
 */
export function conditionsOf(
  replaces: Upload['replaces'],
  address: string,
  method: 'PUT' | 'MOVE' | 'DELETE' = 'PUT',
): Record<string, string> {
  if (replaces === 'any') return {}
  if (replaces === null) return method === 'MOVE' ? { overwrite: 'F' } : { 'if-none-match': '*' }
  return { if: `<${address}> ([${replaces}])` }
}

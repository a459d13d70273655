import type { ItemCopy } from './items.ts'

/** How often a stored object was liked, shared and answered, of what its network tells. https://www.w3.org/TR/activitypub/#likes */
export function reactionsOf(object: Readonly<Record<string, unknown>>): NonNullable<ItemCopy['reactions']> {
  const counts = (['likes', 'shares', 'replies'] as const).flatMap((name) => {
    const total = (object[name] as { totalItems?: unknown } | null | undefined)?.totalItems
    return typeof total === 'number' && Number.isSafeInteger(total) && total >= 0 ? [[name, total] as const] : []
  })
  return Object.fromEntries(counts)
}

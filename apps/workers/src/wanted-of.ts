import { itemSchema, type ContentType, type Item, type SkippedItem, type Stream } from '@asheville/core'
import type { Batch, Seen } from './batches.ts'

/** Our services take JSON that is nested 64 deep; an item stands three deep in its batch. */
const mostDepth = 60

/**
 * The batch without what the person does not want of the stream, and without items that could not be stored: those are skipped, or they
 * would hold up all others for ever. What the pages cover then says nothing of the types that were left out.
 */
export function wantedOf(batch: Batch, stream: Pick<Stream, 'contentTypes'>, contentTypes: readonly ContentType[]): Batch {
  const items: Seen[] = []
  const unfit: SkippedItem[] = []
  for (const seen of batch.items) {
    if (!contentTypes.includes(seen.item.contentType)) continue
    if (isStorable(seen.item)) items.push(seen)
    else unfit.push({ id: String(seen.item.id), reason: 'It cannot be stored: it is not as items should be' })
  }
  const isAll = stream.contentTypes.every((type) => contentTypes.includes(type))
  const covers = batch.covers.flatMap((covered) => {
    if (covered.contentType !== undefined) return contentTypes.includes(covered.contentType) ? [covered] : []
    return isAll ? [covered] : contentTypes.map((contentType) => ({ ...covered, contentType }))
  })
  const available = Object.fromEntries(Object.entries(batch.available).filter(([type]) => contentTypes.includes(type as ContentType)))
  // An item that is there without being stored must not be taken for gone.
  return { ...batch, items, skipped: [...batch.skipped, ...unfit], covers: unfit.length > 0 ? [] : covers, available }
}

function isStorable(item: Item): boolean {
  const isText = (text: string) => text.isWellFormed() && !text.includes('\0')
  return (
    itemSchema.safeParse(item).success &&
    isText(item.id) &&
    item.media.every(({ url }) => isText(url)) &&
    !isDeeper(item.object, mostDepth) &&
    !isDeeper(item.raw, mostDepth)
  )
}

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return depth === 0 || Object.values(value).some((inner) => isDeeper(inner, depth - 1))
}

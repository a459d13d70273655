import { z } from 'zod'
import { addressOf } from './addresses.ts'

/** Whom or what a message names, and where in it, in code points: https://developers.facebook.com/docs/graph-api/reference/entity-at-text-range/ */
export const tagSchema = z.object({
  id: z.string().regex(/^\w+$/),
  name: z.string().nullish(),
  offset: z.number().int().nonnegative(),
  length: z.number().int().positive(),
})
export type Tag = z.infer<typeof tagSchema>

/** Plain words as HTML, tags linked; one that overlaps another, or does not stand where it is said to, is left out. */
export function htmlOf(words: string, tags: readonly Tag[] = []): string {
  const points = [...words]
  const part = (from: number, to?: number) => points.slice(from, to).join('')
  let html = ''
  let at = 0
  for (const { id, name, offset, length } of tags.toSorted((one, other) => one.offset - other.offset)) {
    const tagged = part(offset, offset + length)
    if (offset < at || tagged !== name) continue
    html += `${escaped(part(at, offset))}<a href="${addressOf(id)}">${escaped(tagged)}</a>`
    at = offset + length
  }
  html += escaped(part(at))
  return html
    .split(/\n{2,}/)
    .map((paragraph) => `<p>${paragraph.replaceAll('\n', '<br>')}</p>`)
    .join('')
}

export function tagsOf(tags: readonly Tag[]): object[] {
  return tags.map(({ id, name }) => ({ type: 'Mention', href: addressOf(id), ...(name && { name }) }))
}

function escaped(words: string): string {
  return words.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

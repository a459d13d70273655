import type { Visit } from '@asheville/service'
import { textOf } from '../../form-faults.ts'

/** The parts of a picture that one can choose without pointing, row by row. */
export const focusParts = ['top-left', 'top', 'top-right', 'left', 'middle', 'right', 'bottom-left', 'bottom', 'bottom-right'] as const

/** How wide or high a picture is shown to be clicked on, in CSS pixels: on every page alike, or a click would tell nothing. */
const clickedEdge = 256

/** The box of a picture that is shown to be clicked on. */
export function clickedBox({ width, height }: { width: number; height: number }): { width: number; height: number } {
  const shrunk = clickedEdge / Math.max(width, height)
  return { width: Math.max(1, Math.round(width * shrunk)), height: Math.max(1, Math.round(height * shrunk)) }
}

/** What was chosen, in shares of width and height; null: that it be found; undefined: nothing that one can choose. */
export function focusOf(form: Visit['form'], picture: { width: number; height: number }): { x: number; y: number } | null | undefined {
  const part = textOf(form, 'part')
  if (part === 'found') return null
  const index = focusParts.indexOf(part as (typeof focusParts)[number])
  if (index >= 0) return { x: [0, 0.5, 1][index % 3]!, y: [0, 0.5, 1][Math.floor(index / 3)]! }
  const [x, y] = [textOf(form, 'at.x'), textOf(form, 'at.y')]
  if (!/^\d{1,4}$/.test(x) || !/^\d{1,4}$/.test(y)) return undefined
  const box = clickedBox(picture)
  const share = (value: string, length: number) => Math.round(Math.min(1, Number(value) / length) * 1000) / 1000
  return { x: share(x, box.width), y: share(y, box.height) }
}

import type { RenditionSize } from '@asheville/clients'

/** What a square is cut around: shares of width and height, from 0 to 1. */
export interface Focus {
  x: number
  y: number
}

/** What came of looking at a picture. */
export interface Rendered {
  /** Of the picture held upright, in pixels. */
  width: number
  height: number
  /** @see https://evanw.github.io/thumbhash/ Base64. */
  thumbhash: string
  /** What the square was cut around. */
  focus: Focus
  /** WebP, without any metadata. */
  renditions: Record<RenditionSize, Uint8Array>
}

/** What may be asked of the process that looks at pictures, and what it answers; it says `ready` once. */
export interface RenderRequest {
  input: Uint8Array
  /** null: it is to be found. */
  focus: Focus | null
  edges: Record<RenditionSize, number>
}
export type RenderReply = { kind: 'ready' } | { kind: 'rendered'; rendered: Rendered } | { kind: 'refused'; reason: string }

/** What one picture may take. */
export const limits = {
  /** A larger file is not looked at. */
  bytes: 64 * 1024 ** 2,
  pixels: 128 * 1_000_000,
  /** Of memory, by the process that looks at it. */
  memoryBytes: 640 * 1024 ** 2,
  ms: 20_000,
}

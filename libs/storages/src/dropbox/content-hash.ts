import { createHash } from 'node:crypto'

const blockBytes = 4 * 1024 * 1024

/**
 * Dropbox's hash of a content, of pieces of any size as they go by: https://www.dropbox.com/developers/reference/content-hash
 *
 * @returns `pass` hands the pieces on; `digest`, once they have all passed, is lower-case hex
 */
export function createContentHash() {
  const whole = createHash('sha256')
  let block = createHash('sha256')
  let filled = 0
  const add = (piece: Uint8Array): void => {
    for (let rest = piece; rest.length > 0;) {
      const part = rest.subarray(0, blockBytes - filled)
      block.update(part)
      filled += part.length
      rest = rest.subarray(part.length)
      if (filled === blockBytes) endBlock()
    }
  }
  const endBlock = (): void => {
    whole.update(block.digest())
    block = createHash('sha256')
    filled = 0
  }
  return {
    async *pass(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
      for await (const piece of pieces) {
        add(piece)
        yield piece
      }
    },
    digest(): string {
      if (filled > 0) endBlock()
      return whole.digest('hex')
    },
  }
}

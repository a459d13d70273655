/** A stream of pieces, handed out in parts of a wanted length. `end` lets the rest go. */
export function inParts(pieces: AsyncGenerator<Uint8Array, void, undefined>) {
  let left: Uint8Array = new Uint8Array()
  return {
    async *take(bytes: number): AsyncGenerator<Uint8Array, void, undefined> {
      for (let missing = bytes; missing > 0;) {
        if (left.length === 0) {
          const { done, value } = await pieces.next()
          if (done) return
          left = value
        }
        const piece = left.subarray(0, missing)
        left = left.subarray(piece.length)
        missing -= piece.length
        yield piece
      }
    },
    end: () => pieces.return(),
  }
}

/** First index in a sorted list of texts whose value is ≥ `text`. */
export function lowerBoundText(list: readonly string[], text: string): number {
  let [low, high] = [0, list.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (list[middle]! < text) low = middle + 1
    else high = middle
  }
  return low
}

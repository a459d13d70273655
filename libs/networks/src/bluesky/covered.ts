import type { Covered } from '@asheville/core'

/** Sorts behind a record's id and before every other: no record key contains `!`, which sorts before all that it may contain. */
const behind = (id: string) => `${id}!`

/**
 * Collects which ranges of ids a walk through a tree proves to be complete. Between two neighbouring keys there is nothing;
 * a gap may hide anything; a record that is there without being delivered lies in no range.
 */
export interface CoveredRanges {
  delivered(id: string): void
  present(id: string): void
  gap(): void
  /** The ranges since the last call; `isEnd`: nothing comes any more. */
  take(isEnd: boolean): Covered[]
}

/** `repository` is the prefix of all its ids (`at://did:plc:…/`); `after` the id that the walk goes on behind, if any. */
export function createCoveredRanges(repository: string, after: string | null): CoveredRanges {
  let ranges: Covered[] = []
  let from: string | null = after === null ? repository : behind(after)
  let last: string | null = after

  function close(to: string): void {
    if (from !== null && from < to) ranges.push({ by: 'id', from, to })
  }

  return {
    delivered(id) {
      from ??= id
      last = id
    },
    present(id) {
      close(id)
      from = behind(id)
      last = id
    },
    gap() {
      if (last !== null) close(behind(last))
      from = null
    },
    take(isEnd) {
      // `0` follows `/`: behind every id of this repository.
      if (isEnd) close(`${repository.slice(0, -1)}0`)
      else if (last !== null) {
        close(behind(last))
        if (from !== null) from = behind(last)
      }
      const taken = ranges
      ranges = []
      return taken
    },
  }
}

/**
 * Where each block of a CAR file lies, by the first eight bytes of its hash: an open-addressing table in typed arrays,
 * 20 bytes a block, so that a repository of a million records costs some 40 MB and not some 400. Two hashes may share
 * their first bytes: `find` yields every candidate and the reader checks the bytes.
 */
export interface BlockIndex {
  /** `offset` and `length` in bytes, of the block's data. */
  add(digest: Uint8Array, offset: number, length: number): void
  find(digest: Uint8Array): Generator<{ offset: number; length: number }>
}

export function createBlockIndex(): BlockIndex {
  let capacity = 1024
  let size = 0
  let prefixes = new BigUint64Array(capacity)
  let offsets = new Float64Array(capacity)
  let lengths = new Uint32Array(capacity)

  function insert(prefix: bigint, offset: number, length: number): void {
    let slot = Number(prefix % BigInt(capacity))
    // An offset of 0 marks a free slot: a CAR file's first bytes are its header, never a block.
    while (offsets[slot] !== 0) slot = (slot + 1) % capacity
    prefixes[slot] = prefix
    offsets[slot] = offset
    lengths[slot] = length
  }

  function grow(): void {
    const old = { capacity, prefixes, offsets, lengths }
    capacity *= 2
    prefixes = new BigUint64Array(capacity)
    offsets = new Float64Array(capacity)
    lengths = new Uint32Array(capacity)
    for (let slot = 0; slot < old.capacity; slot++)
      if (old.offsets[slot] !== 0) insert(old.prefixes[slot]!, old.offsets[slot]!, old.lengths[slot]!)
  }

  return {
    add(digest, offset, length) {
      if (size * 2 >= capacity) grow()
      insert(prefixOf(digest), offset, length)
      size++
    },
    *find(digest) {
      const prefix = prefixOf(digest)
      for (let slot = Number(prefix % BigInt(capacity)); offsets[slot] !== 0; slot = (slot + 1) % capacity)
        if (prefixes[slot] === prefix) yield { offset: offsets[slot]!, length: lengths[slot]! }
    },
  }
}

function prefixOf(digest: Uint8Array): bigint {
  return new DataView(digest.buffer, digest.byteOffset, 8).getBigUint64(0)
}

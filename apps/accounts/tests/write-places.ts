/** What a file of places says of a network. */
export interface Place {
  /** The first bits of an IPv4 address, in full bytes: `192.0.2`. */
  network: string
  data: Value
}

type Value = string | { [key: string]: Value }

const markerBytes = Buffer.concat([Buffer.from([0xab, 0xcd, 0xef]), Buffer.from('MaxMind.com')])

/**
 * A file in MaxMind's format, version 2, with IPv4 networks and records of 32 bits, as
 * https://maxmind.github.io/MaxMind-DB/ describes it.
 */
export function placesFile(places: readonly Place[]): Buffer {
  const nodes: [number | null, number | null][] = [[null, null]]
  const data: Buffer[] = []
  let dataBytes = 0
  const leaves: { node: number; side: 0 | 1; offset: number }[] = []
  for (const place of places) {
    const bits = place.network
      .split('.')
      .map((byte) => Number(byte).toString(2).padStart(8, '0'))
      .join('')
    let at = 0
    for (const bit of bits.slice(0, -1)) {
      const side = Number(bit) as 0 | 1
      at = nodes[at]![side] ??= nodes.push([null, null]) - 1
    }
    leaves.push({ node: at, side: Number(bits.at(-1)) as 0 | 1, offset: dataBytes })
    const value = encode(place.data)
    data.push(value)
    dataBytes += value.length
  }
  for (const { node, side, offset } of leaves) nodes[node]![side] = nodes.length + 16 + offset
  const tree = Buffer.alloc(nodes.length * 8)
  nodes.forEach(([left, right], index) => {
    tree.writeUInt32BE(left ?? nodes.length, index * 8)
    tree.writeUInt32BE(right ?? nodes.length, index * 8 + 4)
  })
  const metadata = map([
    ['binary_format_major_version', unsigned(5, 2)],
    ['binary_format_minor_version', unsigned(5, 0)],
    ['build_epoch', Buffer.concat([Buffer.from([4, 2]), uint32(1_700_000_000)])],
    ['database_type', encode('Asheville-Test-City')],
    ['description', encode({ en: 'Test' })],
    ['ip_version', unsigned(5, 4)],
    ['languages', Buffer.from([1, 4, ...encode('en')])],
    ['node_count', Buffer.concat([Buffer.from([0xc4]), uint32(nodes.length)])],
    ['record_size', unsigned(5, 32)],
  ])
  return Buffer.concat([tree, Buffer.alloc(16), ...data, markerBytes, metadata])
}

function encode(value: Value): Buffer {
  if (typeof value === 'string') return Buffer.concat([control(2, Buffer.byteLength(value)), Buffer.from(value)])
  return map(Object.entries(value).map(([key, inner]) => [key, encode(inner)]))
}

function map(entries: [string, Buffer][]): Buffer {
  return Buffer.concat([control(7, entries.length), ...entries.flatMap(([key, value]) => [encode(key), value])])
}

/** Type and size: both are small here. */
function control(type: number, size: number): Buffer {
  if (size < 29) return Buffer.from([(type << 5) | size])
  return Buffer.from([(type << 5) | 29, size - 29])
}

const unsigned = (type: number, value: number): Buffer => Buffer.from([(type << 5) | 2, value >> 8, value & 255])

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

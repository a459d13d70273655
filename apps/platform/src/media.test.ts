import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { isCutOff } from './is-cut-off.ts'
import { extensionOf, isPlainImage, mediaTypeOf } from './media-type.ts'
import { createSpooler } from './spool.ts'

// The smallest pictures of their kinds, made by hand.
const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')
const gif = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')
const jpeg = Buffer.concat([
  Buffer.from('ffd8ffe0000a4a46494600ffd9', 'hex').subarray(0, 4),
  // A segment that itself holds an end marker, as thumbnails do.
  Buffer.from('000600ffd900', 'hex'),
  Buffer.from('ffda000400ff', 'hex'),
  Buffer.alloc(300_000, 0x11),
  Buffer.from('ff00ffd9', 'hex'),
])
const box = (type: string, body: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, 8 + body.length]), Buffer.from(type), body])
const mp4 = Buffer.concat([box('ftyp', Buffer.from('isom00000000')), box('mdat', Buffer.alloc(100))])
const webp = Buffer.concat([Buffer.from('RIFF'), Buffer.from([28, 0, 0, 0]), Buffer.from('WEBP'), Buffer.alloc(24)])

const files: [string, Buffer][] = [
  ['image/png', png],
  ['image/gif', gif],
  ['image/jpeg', jpeg],
  ['video/mp4', mp4],
  ['image/webp', webp],
]

describe.each(files)('%s', (type, data) => {
  const cutOff = (file: Buffer) => isCutOff(type, file.length, async (at, length) => file.subarray(at, at + length))

  test('is known by its bytes, whatever is said', () => {
    expect(mediaTypeOf(data, 'text/html')).toBe(type)
    expect(extensionOf(type)).not.toBe('bin')
  })
  test('is whole', async () => expect(await cutOff(data)).toBe(false))
  test('is seen to be cut off', async () => {
    for (const part of [0.3, 0.6, 0.95]) {
      const head = data.subarray(0, Math.max(16, Math.floor(data.length * part)))
      expect([part, await cutOff(head)]).toEqual([part, true])
    }
  })
  test('may have more after its end', async () =>
    expect(await cutOff(Buffer.concat([data, Buffer.from('\0\0\0\0')]))).toBe(type === 'video/mp4'))
})

test('what the bytes do not tell, the network does, within reason', () => {
  expect(mediaTypeOf(Buffer.from('<svg/>'), 'image/svg+xml')).toBe('image/svg+xml')
  expect(isPlainImage('image/svg+xml')).toBe(false)
  expect(mediaTypeOf(Buffer.from('hello'), 'text/plain; charset=utf-8')).toBe('text/plain')
  for (const odd of [undefined, '', 'x', 'text/html\r\nset-cookie: a', '../../x', 'image/'])
    expect(mediaTypeOf(Buffer.from('hello'), odd)).toBe('application/octet-stream')
  expect(mediaTypeOf(Buffer.from('BM is how this text begins'), undefined)).toBe('application/octet-stream')
})

describe('spool', () => {
  let directory: string
  const signal = new AbortController().signal
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'asheville-spool-'))
  })
  afterEach(() => rm(directory, { recursive: true }))
  const body = (size: number) =>
    Readable.from(
      Array.from({ length: Math.ceil(size / 1000) }, (_, n) => Buffer.alloc(Math.min(1000, size - n * 1000), n)),
      { objectMode: false },
    )

  test.each([0, 1, 10_000, 10_001, 55_555])('%i bytes come back, twice, and leave nothing behind', async (size) => {
    const spooler = createSpooler({ directory, memoryBytes: 10_000 })
    const spool = await spooler.take(body(size), 1e6, signal)
    const whole = Buffer.concat(await body(size).toArray())
    expect(spool.bytes).toBe(size)
    for (let turn = 0; turn < 2; turn++) expect(Buffer.concat(await spool.body().toArray())).toEqual(whole)
    expect(await spool.readAt(Math.max(0, size - 5), 100)).toEqual(whole.subarray(-5))
    expect(spooler.held()[size > 10_000 ? 'diskBytes' : 'memoryBytes']).toBe(size)
    expect(await readdir(directory)).toEqual([])
    await spool.dispose()
    expect(spooler.held()).toEqual({ memoryBytes: 0, diskBytes: 0 })
  })

  test('bounds hold over all bodies together', async () => {
    const spooler = createSpooler({ directory, memoryBytes: 10_000, totalMemoryBytes: 15_000, totalDiskBytes: 20_000 })
    const first = await spooler.take(body(10_000), 1e6, signal)
    const second = await spooler.take(body(10_000), 1e6, signal)
    expect(spooler.held()).toEqual({ memoryBytes: 10_000, diskBytes: 10_000 })
    await expect(spooler.take(body(30_000), 1e6, signal)).rejects.toMatchObject({ kind: 'unavailable' })
    await expect(spooler.take(body(30_000), 5000, signal)).rejects.toMatchObject({ kind: 'invalid' })
    expect(spooler.held()).toEqual({ memoryBytes: 10_000, diskBytes: 10_000 })
    await Promise.all([first.dispose(), second.dispose()])
    expect(spooler.held()).toEqual({ memoryBytes: 0, diskBytes: 0 })
  })

  test('a body that breaks is let go', async () => {
    const spooler = createSpooler({ directory, memoryBytes: 1000 })
    async function* breaking() {
      yield Buffer.alloc(5000)
      throw new Error('broken')
    }
    await expect(spooler.take(breaking(), 1e6, signal)).rejects.toThrow('broken')
    expect(spooler.held()).toEqual({ memoryBytes: 0, diskBytes: 0 })
  })
})

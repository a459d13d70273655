import { describe, expect, test } from '@jest/globals'
import { crc32, inflateSync } from 'node:zlib'
import { createContent, makePicture } from './content.ts'
import { encodePicture } from './pictures.ts'
import { createRandom, sha256 } from './random.ts'

describe('content', () => {
  test('the same seed says the same from any index, another seed something else', () => {
    const posts = (seed: string, from: number) =>
      Array.from({ length: 50 }, (_, i) => createContent(seed, { pictureRate: 0.5 }).post(from + i))
    expect(posts('a', 100)).toEqual(posts('a', 100))
    expect(posts('a', 100)).not.toEqual(posts('b', 100))
  })

  test('every kind of trouble occurs', () => {
    const content = createContent(1, { pictureRate: 0.3 })
    const posts = Array.from({ length: 2000 }, (_, i) => content.post(i))
    expect([...new Set(posts.map((post) => post.kind))].sort()).toEqual([
      'east-asian',
      'emoji',
      'hostile',
      'long',
      'plain',
      'right-to-left',
    ])
    expect(posts.some((post) => post.poll && post.pictures.length === 0)).toBe(true)
    expect(posts.some((post) => post.place && post.continuesThread)).toBe(true)
    expect(posts.filter((post) => post.text.includes('<script>')).length).toBeGreaterThan(3)
    expect(Math.max(...posts.map((post) => post.text.length))).toBeGreaterThan(4999)
    expect(posts.some((post) => post.pictures.length === 4)).toBe(true)
  })

  test('numbers stay in their bounds', () => {
    const random = createRandom('bounds')
    const drawn = Array.from({ length: 1000 }, () => random.int(3, 5))
    expect(new Set(drawn)).toEqual(new Set([3, 4, 5]))
  })
})

describe('pictures', () => {
  test('a PNG with sound checksums and the size it says', () => {
    const png = encodePicture({ seed: 's', format: 'png', width: 20, height: 12 }, { minBytes: 5000 })
    expect(png.length).toBeGreaterThanOrEqual(5000)
    let pixels = 0
    for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
      const length = png.readUInt32BE(at)
      expect(crc32(png.subarray(at + 4, at + 8 + length))).toBe(png.readUInt32BE(at + 8 + length))
      if (png.toString('latin1', at + 4, at + 8) === 'IDAT') pixels = inflateSync(png.subarray(at + 8, at + 8 + length)).length
    }
    expect(pixels).toBe((20 * 3 + 1) * 12)
  })

  test('a JPEG between its markers, as long as asked for', () => {
    const jpeg = encodePicture({ seed: 's', format: 'jpeg', width: 64, height: 40 }, { minBytes: 200_000 })
    expect([jpeg.readUInt16BE(0), jpeg.readUInt16BE(jpeg.length - 2)]).toEqual([0xffd8, 0xffd9])
    expect(jpeg.length).toBeGreaterThanOrEqual(200_000)
  })

  test('distinct by name, the same for the same name', () => {
    const hashes = Array.from({ length: 200 }, (_, i) => sha256(encodePicture(makePicture(`p${i}`))))
    expect(new Set(hashes).size).toBe(200)
    expect(sha256(encodePicture(makePicture('p7')))).toBe(hashes[7])
  })
})

import { execFile } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { higher, lower } from '@asheville/e2e/figures.ts'
import { startInstance } from '@asheville/e2e/instance.ts'
import { median } from '../compare.ts'
import { batchItems, batchText, openMerging } from '../merging.ts'
import type { Metric } from '../metric.ts'

const run = promisify(execFile)
const mebibyte = 1024 ** 2

/**
 * How many items platform merges, writes and indexes (keys and dates) in a second of its CPU time, against doing no more with the same items
 * than parsing, altering, printing and hashing them; and the most memory that a process had with very many of them, against few.
 */
export const mergeRate: Metric = {
  name: 'merge-rate',
  async measure({ quick }) {
    const rounds = quick ? 5 : 20
    const batches = quick ? 2 : 5
    const many = quick ? 50_000 : 1_000_000
    const instance = await startInstance([])
    const { DATABASE_URL: database = '', REDIS_URL: redis = '' } = instance.constellation.env.platform
    try {
      const merging = await openMerging(database, redis)
      const [ours, raw]: [number[], number[]] = [[], []]
      try {
        const connectionId = randomUUID()
        for (let round = -1; round < rounds; round++) {
          const texts = Array.from({ length: batches }, (_, index) => batchText(((round + 1) * batches + index) * batchItems, connectionId))
          const one = await rateOf(texts, async (text) => {
            if ((await merging.store(text)) !== batchItems) throw new Error('Not all of a batch was stored')
          })
          const other = await rateOf(texts, async (text) => {
            if (passThrough(text) !== batchItems) throw new Error('Not all of a batch was hashed')
          })
          // The first is for the compiler.
          if (round < 0) continue
          ours.push(one)
          raw.push(other)
        }
      } finally {
        await merging.close()
      }
      const peak = async (items: number) => {
        const script = join(import.meta.dirname, '../merge-many.ts')
        const { stdout } = await run(process.execPath, [script, database, redis, String(items)])
        return Number(stdout.trim())
      }
      const [short, long] = [await peak(10_000), await peak(many)]
      return [
        higher('merge-rate', median(ours.map((rate, round) => rate / raw[round]!)), 'x parse, alter, print, hash', 0.25),
        higher('merge-rate-a', median(ours), 'items per second of CPU'),
        higher('merge-rate-b', median(raw), 'items per second of CPU'),
        lower('merge-memory', long / short, `x peak at 10,000 items, at ${many.toLocaleString('en')}`, 1.3),
        lower('merge-memory-a', long / mebibyte, 'MiB'),
        lower('merge-memory-b', short / mebibyte, 'MiB'),
      ]
    } finally {
      await instance.close()
    }
  },
}

/** Items in a second of CPU time. */
async function rateOf(texts: readonly string[], work: (text: string) => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  for (const text of texts) await work(text)
  const { user, system } = process.cpuUsage(before)
  return (texts.length * batchItems) / ((user + system) / 1e6)
}

/** Answers how many items there were. */
function passThrough(text: string): number {
  const { items } = JSON.parse(text) as { items: { object: object; raw: unknown }[] }
  const hashes = items.map(({ object, raw, ...rest }) =>
    createHash('sha256')
      .update(JSON.stringify({ ...object, ...rest, raw }))
      .digest(),
  )
  return hashes.filter(({ length }) => length === 32).length
}

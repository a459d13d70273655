import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { isMet, tableOf, writeFigures, type Figure } from '@asheville/e2e/figures.ts'
import type { Metric } from './metric.ts'
import { besideRclone } from './metrics/beside-rclone.ts'
import { caughtUpRequests } from './metrics/caught-up-requests.ts'
import { emptySync, emptySyncFarRedis } from './metrics/empty-sync.ts'
import { enqueue, enqueueFarRedis } from './metrics/enqueue.ts'
import { dropboxWall, firstSyncWall } from './metrics/first-sync-wall.ts'
import { indexUpsert } from './metrics/index-upsert.ts'
import { hotRead } from './metrics/hot-read.ts'
import { mergeRate } from './metrics/merge-rate.ts'
import { dropboxCalls, storageCallsOfFirstSync } from './metrics/storage-calls.ts'
import { mediaIntake } from './metrics/media-intake.ts'
import { miss } from './metrics/miss.ts'
import { noisyNeighbour } from './metrics/noisy-neighbour.ts'
import { reindex } from './metrics/reindex.ts'
import { status, statusFarRedis } from './metrics/status.ts'
import { scaling } from './metrics/scaling.ts'
import { workerMemory } from './metrics/worker-memory.ts'

// npm run bench -- [--json FILE] [--quick] [metric …]: measures one after the other.

const metrics: readonly Metric[] = [
  firstSyncWall,
  dropboxWall,
  caughtUpRequests,
  storageCallsOfFirstSync,
  dropboxCalls,
  workerMemory,
  mergeRate,
  indexUpsert,
  emptySync,
  emptySyncFarRedis,
  enqueue,
  enqueueFarRedis,
  noisyNeighbour,
  mediaIntake,
  status,
  statusFarRedis,
  hotRead,
  miss,
  reindex,
  scaling,
  besideRclone,
]

const { values, positionals } = parseArgs({
  options: { json: { type: 'string' }, quick: { type: 'boolean', default: false } },
  allowPositionals: true,
})
process.exitCode = await main()

async function main(): Promise<number> {
  const unknown = positionals.filter((wanted) => !metrics.some(({ name }) => name === wanted))
  if (unknown.length > 0)
    throw new Error(`There is no metric ${unknown.join(', ')}; there are ${metrics.map(({ name }) => name).join(', ')}`)
  const figures: Figure[] = []
  let hasFailed = false
  for (const { name, measure } of metrics.filter(isWanted)) {
    const started = performance.now()
    try {
      figures.push(...(await measure({ quick: values.quick })))
    } catch (error) {
      hasFailed = true
      console.error(`${name} could not be measured: ${error instanceof Error ? error.message : String(error)}`)
    }
    const [load = 0] = loadavg()
    console.error(`${name}: ${Math.round((performance.now() - started) / 1000)} s, load ${load.toFixed(1)}`)
  }
  console.log(tableOf(figures))
  if (values.json !== undefined) await writeFigures(values.json, figures)
  return hasFailed || !figures.every(isMet) ? 1 : 0
}

function isWanted({ name, isNamedAlone }: Metric): boolean {
  return positionals.length === 0 ? isNamedAlone !== true : positionals.includes(name)
}

import { randomUUID } from 'node:crypto'
import { batchItems, batchText, openMerging } from './merging.ts'
import { peakOf } from './processes.ts'

// A process of its own, so that its peak says something: node bench/merge-many.ts <database> <redis> <items>; answers bytes.

const [databaseUrl = '', redisUrl = '', items = '0'] = process.argv.slice(2)
const merging = await openMerging(databaseUrl, redisUrl)
const connectionId = randomUUID()
let stored = 0
for (let from = 0; from < Number(items); from += batchItems) stored += await merging.store(batchText(from, connectionId))
await merging.close()
if (stored !== Number(items)) throw new Error(`${stored} of ${items} items were stored`)
console.log(await peakOf(process.pid))

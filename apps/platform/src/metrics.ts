import { Counter, Registry } from 'prom-client'

/** Platform's own figures, as `/metrics` shows them. */
export function createPlatformMetrics() {
  const registry = new Registry()
  const registers = [registry]
  return {
    registry,
    items: new Counter({
      name: 'asheville_items_total',
      help: 'Items delivered to platform, by what became of them',
      labelNames: ['outcome'],
      registers,
    }),
    storageCalls: new Counter({
      name: 'asheville_storage_calls_total',
      help: 'Calls to storages; a put counts once for every set of files that the storage commits at once',
      labelNames: ['provider', 'method'],
      registers,
    }),
    storageBytes: new Counter({
      name: 'asheville_storage_bytes_total',
      help: 'Bytes of file content sent to and read from storages',
      labelNames: ['provider', 'direction'],
      registers,
    }),
    wordsItems: new Counter({ name: 'asheville_words_items_total', help: 'Items of which the words were indexed', registers }),
    wordsCpu: new Counter({
      name: 'asheville_words_cpu_seconds_total',
      help: 'What looking up the words of items took of this process',
      registers,
    }),
    pageCache: new Counter({
      name: 'asheville_page_cache_total',
      help: 'Look-ups of page files in the cache',
      labelNames: ['result'],
      registers,
    }),
  }
}

export type PlatformMetrics = ReturnType<typeof createPlatformMetrics>

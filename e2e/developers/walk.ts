import { pathToFileURL } from 'node:url'

/**
 * What a developer does with a client that was generated from our document: `node walk.ts <its index.ts> <origin> <token>`. Prints what
 * it got as JSON. Nothing in here knows an address.
 */
const [module = '', baseUrl = '', token = ''] = process.argv.slice(2)
const { createClient, createConfig } = await import(pathToFileURL(module.replace('index.ts', 'client/index.ts')).href)
const api = await import(pathToFileURL(module).href)
const client = createClient(createConfig({ baseUrl, auth: token, throwOnError: true }))

const items = [{ contentType: 'posts', at: '2022-02-03T04:05:06.000Z', object: { type: 'Note', content: 'From a generated client' } }]
const write = () => api.writeItems({ client, headers: { 'Idempotency-Key': 'walk' }, body: { items } })
const [written, again] = [await write(), await write()]
const { key } = written.data.items[0]
const item = await api.getItem({ client, path: { key } })
const unchanged = await api.getItem({
  client,
  path: { key },
  headers: { 'If-None-Match': item.response.headers.get('etag') },
  throwOnError: false,
})

const keys: string[] = []
for (let cursor: string | undefined; ;) {
  const { data } = await api.listItems({ client, query: { contentType: 'posts', order: 'oldest', limit: 10, ...(cursor && { cursor }) } })
  keys.push(...data.items.map((one: { key: string }) => one.key))
  if (data.next === null) break
  cursor = data.next
}
const { data: list } = await api.listItems({ client, query: { limit: 100 } })
const shown = list.items.find((one: object) => JSON.stringify(one).includes('"asheville:path"'))
const path = /"asheville:path":"([^"]+)"/.exec(JSON.stringify(shown))![1]!
const file = await api.getFile({ client, path: { path }, query: { item: shown.key }, parseAs: 'blob' })
const { data: counts } = await api.getCounts({ client })
const { stream } = await api.events({ client, headers: { 'Last-Event-ID': '0' } })
const { value: event } = await stream.next()
const refused = await api.listItems({ client, query: { contentType: 'likes' }, throwOnError: false })

const result = {
  status: written.response.status,
  replayed: [again.response.headers.get('idempotent-replayed'), JSON.stringify(again.data) === JSON.stringify(written.data)],
  content: item.data.object.content,
  unchanged: unchanged.response.status,
  keys: [keys.length, new Set(keys).size, keys.includes(key)],
  file: [file.response.headers.get('content-type'), file.data.size > 0],
  counts: counts.counts.map((one: { contentType: string }) => one.contentType),
  event: Object.keys(event).sort(),
  refused: [refused.response.status, refused.error.kind],
}
process.stdout.write(JSON.stringify(result), () => process.exit(0))

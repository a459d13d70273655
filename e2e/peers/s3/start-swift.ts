import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { untilAnswers } from '../until-answers.ts'

const run = promisify(execFile)
const packages = 'swift-proxy swift-account swift-container swift-object'
const kinds = ['account', 'container', 'object'] as const

/** The person's, and what stands in the configuration of the proxy. */
const keys = { accessKeyId: 'test:tester', secretAccessKey: 'testing' }

/**
 * OpenStack Swift with its s3api, as Debian has it (`apt-get install --no-install-recommends swift-proxy swift-account swift-container
 * swift-object`), started as root: one device, one copy of everything, no memcached.
 *
 * @param ports four that are free: of the proxy, and of the servers of accounts, containers and objects
 */
export async function startSwift([proxyPort, ...storagePorts]: readonly number[]) {
  const place = await mkdtemp(join(tmpdir(), 'asheville-swift-'))
  await mkdir(join(place, 'node', 'd1'), { recursive: true })
  const begin = (kind: string, conf: string) => spawn(`swift-${kind}-server`, [conf], { stdio: 'inherit' })
  const backends = await Promise.all(
    kinds.map(async (kind, index) => {
      const port = storagePorts[index]!
      const builder = join(place, `${kind}.builder`)
      await run('swift-ring-builder', [builder, 'create', '4', '1', '0'])
      await run('swift-ring-builder', [builder, 'add', `r1z1-127.0.0.1:${port}/d1`, '1'])
      await run('swift-ring-builder', [builder, 'rebalance'])
      const conf = join(place, `${kind}-server.conf`)
      await writeFile(conf, `${common(place, port)}devices = ${place}/node\nmount_check = false\n${backend(kind)}`)
      return { server: begin(kind, conf), port }
    }),
  )
  const conf = join(place, 'proxy-server.conf')
  await writeFile(conf, common(place, proxyPort!) + proxy)
  const server = begin('proxy', conf)
  const url = `http://127.0.0.1:${proxyPort}`
  const started = [...backends, { server, port: proxyPort! }]
  for (const one of started) await untilAnswers(one.server, `http://127.0.0.1:${one.port}`, packages)
  return {
    url,
    keys,
    async close() {
      await Promise.all(
        started.map(async ({ server: one }) => {
          if (one.exitCode !== null) return
          one.kill('SIGKILL')
          await once(one, 'exit')
        }),
      )
      await rm(place, { recursive: true, force: true })
    },
  }
}

const common = (place: string, port: number) => `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = root
swift_dir = ${place}
recon_cache_path = ${place}
disable_fallocate = true
`

const backend = (kind: string) => `
[pipeline:main]
pipeline = ${kind}-server

[app:${kind}-server]
use = egg:swift#${kind}
`

const proxy = `
[pipeline:main]
pipeline = catch_errors cache listing_formats bulk s3api tempauth slo dlo proxy-server

[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true

[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = ${keys.secretAccessKey} .admin
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
`

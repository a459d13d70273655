/**
 * Starts the real Bluesky server (@atproto/pds) and an identity directory (@did-plc/server) on this machine, in a temporary
 * directory that is removed at the end, and prints one line of JSON: `{ "url": …, "handleDomain": ".test" }`. Stops with SIGTERM or
 * when standard input ends.
 *
 * Plain JavaScript, run by the Node that ran `npm install` here: the server's SQLite module is built for that one.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import plc from '@did-plc/server'
import pds from '@atproto/pds'

const { PlcServer, Database } = plc
const { PDS, envToCfg, envToSecrets, readEnv } = pds

const directory = mkdtempSync(join(tmpdir(), 'asheville-bluesky-'))
const plcServer = PlcServer.create({ db: Database.mock(), port: 0 })
const listening = await plcServer.start()

const port = Number(process.env.PORT ?? 2583)
const env = {
  ...readEnv(),
  port,
  hostname: 'localhost',
  devMode: true,
  serviceHandleDomains: ['.test'],
  dataDirectory: directory,
  blobstoreDiskLocation: join(directory, 'blobs'),
  didPlcUrl: `http://localhost:${listening.address().port}`,
  inviteRequired: false,
  rateLimitsEnabled: false,
  disableSsrfProtection: true,
  bskyAppViewUrl: 'http://localhost:9',
  bskyAppViewDid: 'did:web:localhost',
  crawlers: [],
  jwtSecret: randomBytes(16).toString('hex'),
  adminPassword: randomBytes(16).toString('hex'),
  plcRotationKeyK256PrivateKeyHex: randomBytes(32).toString('hex'),
}
const server = await PDS.create(envToCfg(env), envToSecrets(env))
await server.start()
process.stdout.write(`${JSON.stringify({ url: `http://localhost:${port}`, handleDomain: '.test' })}\n`)

let isStopping = false
async function stop() {
  if (isStopping) return
  isStopping = true
  await server.destroy()
  await plcServer.destroy()
  rmSync(directory, { recursive: true, force: true })
  process.exit(0)
}
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
process.stdin.on('end', stop).resume()

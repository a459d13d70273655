import { generateKeyPairSync } from 'node:crypto'
import { type Duplex } from 'node:stream'
import { connect } from 'node:net'
import { serviceNames, type ServiceName } from '@asheville/core'
import type { PublicKeys } from './config.ts'
import { createLogger } from './logger.ts'
import { createSigner, createVerifier, type Sign } from './service-tokens.ts'
import { startService, type Service, type ServiceOptions } from './start-service.ts'

// For this library's own tests.

export interface TestService extends Service {
  /** Signs as that service. */
  sign: Record<ServiceName, Sign>
  /** Every log entry so far. */
  log: Record<string, unknown>[]
}

/** A service named accounts with fresh keys for all five, on a free port, its log kept. */
export async function startTestService(options: Partial<ServiceOptions> & Pick<ServiceOptions, 'bindings'>): Promise<TestService> {
  const keys = serviceNames.map((name) => [name, generateKeyPairSync('ed25519')] as const)
  const publicKeys = Object.fromEntries(keys.map(([name, { publicKey }]) => [name, publicKey.export({ format: 'jwk' })])) as PublicKeys
  const sign = Object.fromEntries(
    keys.map(([name, { privateKey }]) => [
      name,
      createSigner({ issuer: name, privateKey: String(privateKey.export({ type: 'pkcs8', format: 'pem' })) }),
    ]),
  ) as Record<ServiceName, Sign>
  const log: Record<string, unknown>[] = []
  const service = await startService({
    name: 'accounts',
    host: '127.0.0.1',
    port: 0,
    logger: createLogger('accounts', 'debug', { write: (line) => void log.push(JSON.parse(line) as Record<string, unknown>) }),
    verify: createVerifier({ audience: 'accounts', publicKeys }),
    checks: {},
    version: '1.2.3',
    ...options,
  })
  return { ...service, sign, log }
}

/** A raw connection, for what no client would send. */
export async function openSocket(url: string): Promise<Duplex & { received(): string }> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1'))).on('error', () => undefined)
  await new Promise((resolve) => socket.once('connect', resolve))
  return Object.assign(socket, { received: () => text })
}

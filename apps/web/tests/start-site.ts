import { generateKeyPairSync } from 'node:crypto'
import { createLogger, createSigner, type Service } from '@asheville/service'
import { storages } from '@asheville/storages'
import type { Network } from '@asheville/core'
import { startWeb } from '../src/app.ts'
import { type Script, type ScriptedServices, startScripted } from './scripted-services.ts'

export interface TestSite {
  url: string
  services: ScriptedServices
  close(): Promise<void>
}

/** Starts web against scripted services; `urls` puts something else in their place (a port where nobody answers). */
export async function startSite(
  script: Script,
  networks: readonly Network[],
  options: {
    webUrl?: string
    urls?: ScriptedServices['urls']
    deadlineMs?: number
    trustedProxies?: string[]
    port?: number
    logLevel?: string
  } = {},
): Promise<TestSite> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const { x = '' } = publicKey.export({ format: 'jwk' })
  const services = await startScripted(script, { web: { kty: 'OKP', crv: 'Ed25519', x } })
  const service: Service = await startWeb({
    host: '127.0.0.1',
    port: options.port ?? 0,
    logger: createLogger('web', options.logLevel ?? 'silent'),
    sign: createSigner({ issuer: 'web', privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }),
    networks,
    storages,
    settings: {
      webUrl: options.webUrl ?? 'http://localhost:3000',
      secret: 'a secret of at least thirty-two characters',
      urls: options.urls ?? services.urls,
      pageDeadlineMs: options.deadlineMs ?? 1900,
      ...(options.trustedProxies && { trustedProxies: options.trustedProxies }),
      localStorageDir: '/srv/asheville/storage',
      version: '0.1.0',
    },
  })
  return {
    url: service.url,
    services,
    close: async () => void (await Promise.all([service.close(), services.close()])),
  }
}

/** A network of no vendor, enough for pages. */
export function networkOf(part: Pick<Network, 'id' | 'title' | 'description' | 'logins'> & Partial<Network>): Network {
  return {
    website: 'https://example.com',
    variables: [],
    budgets: [],
    streams: [],
    account: () => Promise.reject(new Error('not for pages')),
    ...part,
  }
}

import { generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { serviceNames, type ServiceName } from '@asheville/core'

export interface ServiceKeys {
  /** PKCS8 PEM, as `SERVICE_PRIVATE_KEY` takes it. */
  privateKey(service: ServiceName): string
  /** As `SERVICE_PUBLIC_KEYS` takes them, once `JSON.stringify`d. */
  publicKeys: Record<ServiceName, JsonWebKey>
}

/** A fresh Ed25519 key pair for every service. */
export function serviceKeys(): ServiceKeys {
  const pairs = serviceNames.map((name) => [name, generateKeyPairSync('ed25519')] as const)
  const privateKeys = new Map(pairs.map(([name, pair]) => [name, pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()]))
  return {
    privateKey: (service) => privateKeys.get(service) ?? '',
    publicKeys: Object.fromEntries(
      pairs.map(([name, pair]) => [name, pair.publicKey.export({ format: 'jwk' })]),
    ) as ServiceKeys['publicKeys'],
  }
}

import type { Handler } from '../kit/index.ts'
import type { Person } from './types.ts'
import type { Sessions } from './sessions.ts'
import type { World } from './world.ts'
import { createXrpc, xrpcError } from './xrpc.ts'

type Add = (method: string, pattern: string, handler: Handler) => void
/** The key in the documents of people whose repositories this server does not have: a valid one that signed nothing. */
const strangersKey = 'zQ3shXjHeiBuRCKmM36cuYnm7YEMzhGnCmCyW92sRJ9pribSF'

/** A DID document as the PLC directory gives it (web.plc.directory). */
export function didDocument(person: Person, origin: string, publicKeyMultibase: string = strangersKey) {
  return {
    '@context': [
      'https://www.w3.org/ns/did/v1',
      'https://w3id.org/security/multikey/v1',
      'https://w3id.org/security/suites/secp256k1-2019/v1',
    ],
    id: person.did,
    alsoKnownAs: [`at://${person.handle}`],
    verificationMethod: [{ id: `${person.did}#atproto`, type: 'Multikey', controller: person.did, publicKeyMultibase }],
    service: [{ id: '#atproto_pds', type: 'AtprotoPersonalDataServer', serviceEndpoint: origin }],
  }
}

/** Handles and DIDs: `resolveHandle`, `/.well-known/atproto-did` by host name, and a small PLC directory at `/did:plc:…` on the same address. */
export function addIdentityRoutes(add: Add, world: World, sessions: Sessions): void {
  const query = createXrpc(add, sessions)
  query('com.atproto.identity.resolveHandle', ({ need }) => {
    const found = world.personBy(need('handle').toLowerCase())
    return found ? { json: { did: found.did } } : xrpcError(400, 'HandleNotFound', 'Unable to resolve handle')
  })
  add('GET', '/.well-known/atproto-did', ({ headers }) => {
    const host = (headers.host ?? '').split(':')[0]!
    const found =
      world.accountBy(host) ??
      world.accounts.find(({ name }) => host.startsWith(`${name}.`)) ??
      (/^[\d.]+$|^localhost$/.test(host) ? world.accounts[0]! : null)
    return found ? { text: found.did } : { status: 404, text: 'User not found' }
  })
  add('GET', '/:did', ({ params, origin }) => {
    const did = params.did!
    if (!did.startsWith('did:')) return { status: 404, text: 'Not Found' }
    const person = world.personBy(did)
    if (!person) return { status: 404, json: { message: `DID not registered: ${did}` } }
    const bytes = Buffer.from(JSON.stringify(didDocument(person, origin, world.accountBy(did)?.repo.publicKey)))
    return { bytes, headers: { 'content-type': 'application/did+ld+json; charset=utf-8' } }
  })
}

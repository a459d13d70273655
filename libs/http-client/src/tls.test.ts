import { generateKeyPairSync, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request, type Server } from 'node:https'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createHttp } from './create-http.ts'

let server: Server
let port: number
let connections = 0
let http: ReturnType<typeof createHttp>
const trusted = getCACertificates('default')

beforeAll(async () => {
  const { key, cert } = selfSigned('nas.example')
  setDefaultCACertificates([...trusted, cert])
  server = createServer(
    { key, cert },
    (incoming, response) => void response.end(String((incoming.socket as TLSSocket & { servername?: string }).servername)),
  )
  server.on('secureConnection', () => connections++)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
  const lookup = () => Promise.resolve([{ address: '127.0.0.1', family: 4 }])
  http = createHttp({ allow: [`nas.example:${port}`, `wrong.example:${port}`, `127.0.0.1:${port}`], lookup })
})
afterAll(async () => {
  setDefaultCACertificates(trusted)
  await http.close()
  server.closeAllConnections()
  server.close()
})

function viaAgent(host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request({ agent: http.agent, host, port, path: '/' }, (response: IncomingMessage) => resolve(text(response)))
    sent.once('error', reject).end()
  })
}

test('https by name: the certificate is checked against the name, connections are kept', async () => {
  for (let i = 0; i < 10; i++) expect(await (await http.fetch(`https://nas.example:${port}/`)).text()).toBe('nas.example')
  expect(connections).toBeLessThanOrEqual(2)
  const before = connections
  for (let i = 0; i < 10; i++) expect(await viaAgent('nas.example')).toBe('nas.example')
  expect(connections - before).toBeLessThanOrEqual(2)
})

test('a certificate for another name is refused', async () => {
  await expect(http.fetch(`https://wrong.example:${port}/`)).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining('certificate of wrong.example'),
  })
  await expect(http.fetch(`https://127.0.0.1:${port}/`)).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining('certificate'),
  })
  await expect(viaAgent('wrong.example')).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
})

/** A certificate for one name, its own issuer (RFC 5280, RFC 8410), made here so that no key lies in the repository. */
function selfSigned(name: string): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const der = (tag: number, ...parts: Uint8Array[]) => {
    const body = Buffer.concat(parts)
    const length = body.length < 128 ? [body.length] : [0x82, body.length >> 8, body.length & 0xff]
    return Buffer.concat([Buffer.from([tag, ...length]), body])
  }
  const bytes = (...values: number[]) => Buffer.from(values)
  const sequence = (...parts: Uint8Array[]) => der(0x30, ...parts)
  const algorithm = sequence(der(0x06, bytes(0x2b, 0x65, 0x70)))
  const subject = sequence(der(0x31, sequence(der(0x06, bytes(0x55, 0x04, 0x03)), der(0x0c, Buffer.from(name)))))
  const time = (year: number) => der(0x18, Buffer.from(`${year}0101000000Z`))
  const names = sequence(der(0x06, bytes(0x55, 0x1d, 0x11)), der(0x04, sequence(der(0x82, Buffer.from(name)))))
  const isIssuer = sequence(der(0x06, bytes(0x55, 0x1d, 0x13)), der(0x04, sequence(der(0x01, bytes(0xff)))))
  const content = sequence(
    der(0xa0, der(0x02, bytes(2))),
    der(0x02, bytes(1)),
    algorithm,
    subject,
    sequence(time(2020), time(2120)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(names, isIssuer)),
  )
  const signed = sequence(content, algorithm, der(0x03, bytes(0), sign(null, content, privateKey)))
  const cert = `-----BEGIN CERTIFICATE-----\n${signed.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`
  return { key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })), cert }
}

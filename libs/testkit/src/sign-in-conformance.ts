import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline, Readable } from 'node:stream'
import { expect, test } from '@jest/globals'
import { kindOf, type AshevilleError, type Fields, type Login, type LoginIo } from '@asheville/core'
import { everythingOf, type NetworkWorld } from './network-world.ts'

type FieldsLogin = Extract<Login, { kind: 'fields' }>
type SignIn = (fields: Fields) => ReturnType<FieldsLogin['signIn']>

/** What else may be at an address that a person writes. */
const strangers: readonly (readonly [name: string, answer: (response: ServerResponse) => void])[] = [
  ['a web page', (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Hello</h1>')],
  ['a website without such a page', (response) => response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not found</h1>')],
  ['JSON of something else', (response) => response.writeHead(404, { 'content-type': 'application/json' }).end('{"detail":"Not Found"}')],
  ['an answer without end', (response) => endless(response.writeHead(200, { 'content-type': 'application/json' }))],
]
const endlessBytes = 256 * 1024 ** 2

function endless(response: ServerResponse): void {
  const piece = Buffer.alloc(256 * 1024, ' ')
  const pieces = function* () {
    for (let sent = 0; sent < endlessBytes; sent += piece.length) yield piece
  }
  pipeline(Readable.from(pieces()), response, () => undefined)
}

/** How a person names a server with this login, if they do: the field, and what asks that server. */
function serverNamed(login: Login): { field: string; ask(address: string, fields: Fields, io: LoginIo): Promise<unknown> } | null {
  if (login.kind === 'oauth2-per-server') return { field: login.fields[0].name, ask: (address, _, io) => login.discover(address, io) }
  const field = login.kind === 'fields' ? login.fields.find(({ kind }) => kind === 'url')?.name : undefined
  if (login.kind !== 'fields' || field === undefined) return null
  return { field, ask: (address, fields, io) => login.signIn({ ...fields, [field]: address }, io) }
}

/** For logins that name a server: another kind of server is told at its field, in words, and never fills memory. */
export function describeServerNames(logins: readonly Login[], worldOf: () => NetworkWorld | Promise<NetworkWorld>): void {
  for (const login of logins) {
    const named = serverNamed(login)
    if (!named) continue
    test.each(strangers)('%s instead of the server is told at its field', async (_name, answer) => {
      const world = await worldOf()
      let received = 0
      let asked = 0
      const server = createServer((request, response) => {
        asked += 1
        response.once('close', () => (received += response.socket?.bytesWritten ?? 0))
        request.resume()
        answer(response)
      })
      await once(server.listen(0, '127.0.0.1'), 'listening')
      try {
        const { http, variables = {}, signIn = {} } = world
        const io = { http, variables, signal: new AbortController().signal, now: () => new Date() }
        const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
        const error = await named.ask(address, signIn, io).catch((thrown: unknown) => thrown)
        expect({ asked: asked > 0, kind: kindOf(error) }).toEqual({ asked: true, kind: 'invalid' })
        const { faults } = error as AshevilleError
        expect(faults).toMatchObject([{ pointer: `/${named.field}` }])
        expect(faults?.[0]?.message).not.toMatch(/does not have it|unexpected|\b404\b/)
        expect(received).toBeLessThan(endlessBytes / 2)
      } finally {
        server.closeAllConnections()
        server.close()
        await world.close?.()
      }
    })
  }
}

/** For logins by fields: only what is right gets in, wrong passwords are told at their field, and none of it is kept. */
export function describeSignIn(logins: readonly Login[], worldOf: () => NetworkWorld | Promise<NetworkWorld>): void {
  for (const login of logins) {
    if (login.kind !== 'fields') continue
    const secrets = login.fields.filter(({ kind }) => kind === 'password').map(({ name }) => name)
    const on = (run: (signIn: SignIn, fields: Fields) => Promise<void>) => async () => {
      const world = await worldOf()
      const { http, variables = {}, signIn: fields } = world
      const io = { http, variables, signal: new AbortController().signal, now: () => new Date() }
      try {
        if (fields) await run((written) => login.signIn(written, io), fields)
      } finally {
        await world.close?.()
      }
    }

    test(
      'signs in with the right fields and keeps no secret among them',
      on(async (signIn, fields) => {
        const { tokens, fields: kept } = await signIn(fields)
        if (secrets.length > 0) expect(tokens?.accessToken).toBeTruthy()
        const known = [...secrets.map((name) => fields[name]!), tokens?.accessToken, tokens?.refreshToken]
        expect(Object.values(kept).filter((value) => known.includes(value))).toEqual([])
      }),
    )

    if (secrets.length === 0) continue
    test.each(secrets)('a wrong or missing %s is a fault of that field, and in no error', (name) =>
      on(async (signIn, fields) => {
        for (const written of ['', 'wr0ng-s3cret']) {
          const error = await signIn({ ...fields, [name]: written }).catch((thrown: unknown) => thrown)
          expect(kindOf(error)).toBe('invalid')
          expect((error as AshevilleError).faults).toMatchObject([{ pointer: `/${name}` }])
          for (const secret of ['wr0ng-s3cret', ...secrets.filter((other) => other !== name).map((other) => fields[other]!)])
            expect(everythingOf(error)).not.toContain(secret)
        }
      })(),
    )
  }
}

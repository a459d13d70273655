import { expect, test } from '@jest/globals'
import { kindOf, type AshevilleError, type Fields, type Login } from '@asheville/core'
import { everythingOf, type NetworkWorld } from './network-world.ts'

type FieldsLogin = Extract<Login, { kind: 'fields' }>
type SignIn = (fields: Fields) => ReturnType<FieldsLogin['signIn']>

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

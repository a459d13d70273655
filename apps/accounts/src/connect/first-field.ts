import type { Field, Login } from '@asheville/core'
import { asLoginFault } from '@asheville/http-client'

type LoginWithFields = Exclude<Login, { kind: 'oauth2' }>

/** What says that a wrong server was written is shown at the field where it was, unless the adapter named another. */
export async function atFirstField<T>(login: LoginWithFields, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    const field = serverField(login) ?? login.fields[0]
    throw field ? asLoginFault(error, `/${field.name}`) : error
  }
}

/** Where a person writes which server it is. */
export function serverField(login: Login): Field | undefined {
  if (login.kind === 'oauth2') return undefined
  return login.kind === 'oauth2-per-server' ? login.fields[0] : login.fields.find(({ kind }) => kind === 'url')
}

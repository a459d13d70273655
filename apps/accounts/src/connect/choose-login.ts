import { AshevilleError, type Fields, type InputFault, type Login } from '@asheville/core'

const fieldsOf = (login: Login) => (login.kind === 'oauth2' ? [] : login.fields)

/**
 * The way to sign in that has all the fields that were filled in, and those fields trimmed (passwords as they are), with
 * defaults where left empty. `invalid` with a fault for each unknown field and each empty one that is not optional.
 */
export function chooseLogin(title: string, logins: readonly Login[], given: Fields): { login: Login; fields: Fields } {
  const names = Object.keys(given)
  const login = logins.find((each) => names.every((name) => fieldsOf(each).some((field) => field.name === name))) ?? logins[0]
  if (!login) throw new AshevilleError('invalid', `${title} cannot be connected`)
  const known = fieldsOf(login)
  const fields: Record<string, string> = {}
  const faults: InputFault[] = []
  for (const name of names) {
    if (!known.some((field) => field.name === name)) faults.push({ pointer: `/${name}`, message: 'There is no such field' })
  }
  for (const { name, kind, label, optional, default: preset } of known) {
    const written = Object.hasOwn(given, name) ? given[name]! : ''
    const value = (kind === 'password' ? written : written.trim()) || (preset ?? '')
    if (value === '' && !optional) faults.push({ pointer: `/${name}`, message: `Fill in: ${label}` })
    fields[name] = value
  }
  if (faults.length > 0) throw new AshevilleError('invalid', faults[0]!.message, { faults })
  return { login, fields }
}

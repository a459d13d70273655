import { AshevilleError, kindOf, storagePathParts, type Fields, type LoggedIn, type LoginIo } from '@asheville/core'
import { asLoginFault } from '@asheville/http-client'
import { fieldsOfAbilities, tryAbilities } from './abilities.ts'
import { createClient } from './client.ts'
import { createFolders } from './folders.ts'
import { findNextcloud, placeAt, type NextcloudPlace } from './nextcloud.ts'
import { rootOf } from './open-folder.ts'
import { NoMultistatus, propfind } from './propfind.ts'

/** Finds the person's files by what they filled in, makes the folder, and tries out what the server can. */
export async function signIn(fields: Fields, io: LoginIo): Promise<LoggedIn> {
  const user = fields['user'] ?? ''
  const password = fields['password'] ?? ''
  if (user === '') throw faulty('user', 'Fill in: User name')
  if (password === '') throw faulty('password', 'Fill in: App password')
  return signInAs(user, password, fields, io)
}

/** The same, once it is known who they are. */
export async function signInAs(user: string, password: string, fields: Fields, io: LoginIo): Promise<LoggedIn> {
  const typed = addressTyped(fields['address'] ?? '')
  if (user.includes(':')) throw faulty('user', 'A user name has no colon')
  const folder = folderTyped(fields['folder'] ?? '')
  try {
    const base = await findNextcloud(typed, io)
    const token = `${user}:${password}`
    const place = base === null ? null : await placeAt(base, token, io)
    return await settle({ typed, base, place, user, token, folder }, io)
  } catch (error) {
    if (kindOf(error) === 'reconnect-required')
      throw faulty('password', 'The server does not know this user name with this password', error)
    if (error instanceof NoMultistatus) throw faulty('address', error.message, error)
    throw asLoginFault(error, '/address')
  }
}

interface Found {
  /** What the person wrote, as an address that ends with a slash. */
  typed: string
  /** Of a Nextcloud. */
  base: string | null
  place: NextcloudPlace | null
  user: string
  token: string
  folder: string
}

async function settle({ typed, base, place, user, token, folder }: Found, io: LoginIo): Promise<LoggedIn> {
  const { signal } = io
  const client = createClient({ http: io.http, token: () => Promise.resolve(token) })
  // Who names a folder of a Nextcloud by its WebDAV address means that one.
  const address = place !== null && !typed.startsWith(place.address) ? place.address : typed
  const [found] = (await propfind(client, address, 0, signal)) ?? []
  if (!found) throw faulty('address', 'There is nothing at this address')
  if (!found.isFolder) throw faulty('address', 'This is the address of a file, not of a folder')
  const chosen = { address, folder }
  const root = rootOf({ fields: chosen })
  await createFolders(client, address).ensure(root, signal)
  const abilities = await tryAbilities(client, root, base !== null, signal)
  return {
    tokens: { accessToken: token, refreshToken: null, expiresAt: null },
    server: base ?? new URL(address).origin,
    fields: { ...chosen, user, ...fieldsOfAbilities(abilities), ...(place && { uploads: place.uploads }) },
  }
}

export function addressTyped(text: string): string {
  const url = URL.parse(text.includes('://') ? text : `https://${text}`)
  if (!url || !/^https?:$/.test(url.protocol) || url.hostname === '')
    throw faulty('address', 'Write an address such as https://cloud.example')
  if (url.username !== '' || url.password !== '')
    throw faulty('address', 'Write user name and password in their own fields, not in the address')
  return url.origin + url.pathname.replace(/\/*$/, '/')
}

export function folderTyped(text: string): string {
  try {
    return storagePathParts(text.replace(/^\/+|\/+$/g, '')).join('/')
  } catch (error) {
    throw faulty('folder', 'This cannot be the name of a folder', error)
  }
}

export function faulty(field: string, message: string, cause?: unknown): AshevilleError {
  return new AshevilleError('invalid', message, { faults: [{ pointer: `/${field}`, message }], cause })
}

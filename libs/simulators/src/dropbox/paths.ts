import type { Tagged } from './types.ts'

/** A path in normal form: `key` is what it is found by, `names` its parts as given, in NFC. */
export type Path = { key: string; names: string[] }

const maxNameLength = 255
const ignoredName = /^(desktop\.ini|thumbs\.db|\.ds_store|icon\r|\.dropbox|\.dropbox\.attr|~\$.*|\.~.*|~.*\.tmp)$/iu
const loneSurrogate = /\p{Surrogate}/u

/** Splits a path; null when it is malformed. The root is the empty text. */
export function parsePath(path: string): Path | null {
  if (path === '') return { key: '', names: [] }
  const names = path.normalize('NFC').slice(1).split('/')
  if (!path.startsWith('/') || !names.every(isWellFormed)) return null
  return { key: names.map((name) => `/${lowered(name)}`).join(''), names }
}

/** What Dropbox holds against saving under such a path, or null. */
export function nameFault({ names }: Path): Tagged | null {
  return names.some((name) => ignoredName.test(name)) ? { '.tag': 'disallowed_name' } : null
}

export function parentOf(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf('/')))
}

/** Keys of the folders above, from the nearest to the root. */
export function* ancestorsOf(key: string): Generator<string> {
  for (let above = key; above !== '';) {
    above = parentOf(above)
    yield above
  }
}

export function isBelow(key: string, folder: string): boolean {
  return key.startsWith(`${folder}/`)
}

/** Lower case code point by code point: unlike `toLowerCase`, without regard to neighbours and one for one. */
function lowered(name: string): string {
  return Array.from(name, (point) => (point === 'İ' ? 'i' : point.toLowerCase())).join('')
}

function isWellFormed(name: string): boolean {
  return (
    name !== '' && name !== '.' && name !== '..' && name.length <= maxNameLength && !/[\0\x7f\\]| $/.test(name) && !loneSurrogate.test(name)
  )
}

/** `photo.jpg` and ` (1)` make `photo (1).jpg`. */
export function withSuffix(name: string, suffix: string): string {
  const dot = name.lastIndexOf('.')
  return dot > 0 ? `${name.slice(0, dot)}${suffix}${name.slice(dot)}` : `${name}${suffix}`
}

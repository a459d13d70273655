import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { page, type Binding } from '@asheville/service'
import { AshevilleError } from '@asheville/core'

interface Asset {
  name: string
  type: string
  bytes: Buffer
  compressed: { encoding: 'br' | 'gzip'; bytes: Buffer }[]
}

/** Static files by a name that holds the hash of their content, so that browsers may keep them for ever. */
export interface Assets {
  /** `asheville.css` → `/assets/asheville.3f1a….css`. */
  url(name: string): string
  readonly bindings: Binding[]
}

const require = createRequire(import.meta.url)
const own = (path: string): Buffer => readFileSync(new URL(`./public/${path}`, import.meta.url))
const fromPackage = (path: string): Buffer => readFileSync(require.resolve(path))

const fonts: Record<string, string> = {
  'figtree.woff2': '@fontsource-variable/figtree/files/figtree-latin-wght-normal.woff2',
  'figtree-ext.woff2': '@fontsource-variable/figtree/files/figtree-latin-ext-wght-normal.woff2',
  'national-park.woff2': '@fontsource-variable/national-park/files/national-park-latin-wght-normal.woff2',
  'national-park-ext.woff2': '@fontsource-variable/national-park/files/national-park-latin-ext-wght-normal.woff2',
}

const types: Record<string, string> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  woff2: 'font/woff2',
  webmanifest: 'application/manifest+json',
}

const styles = [
  'tokens',
  'fonts',
  'base',
  'layout',
  'components',
  'narrow',
  'drawings',
  'home',
  'connect',
  'status',
  'browse',
  'item',
  'settings',
  'notifications',
  'passkeys',
  'apps',
  'developers',
  'queues',
]

/** Reads, names and compresses all static files, once at start. */
export function loadAssets(): Assets {
  const byUrl = new Map<string, Asset>()
  const urls = new Map<string, string>()

  const add = (name: string, content: Buffer | string): void => {
    const bytes = Buffer.from(content)
    const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 12)
    const [, stem = name, ending = ''] = /^(.+)\.(\w+)$/.exec(name) ?? []
    const url = `/assets/${stem}.${hash}.${ending}`
    const isText = ending !== 'woff2' && ending !== 'png'
    byUrl.set(url, { name, type: types[ending] ?? 'application/octet-stream', bytes, compressed: isText ? compress(bytes) : [] })
    urls.set(name, url)
  }
  const url = (name: string): string => {
    const found = urls.get(name)
    if (!found) throw new Error(`There is no static file '${name}'`)
    return found
  }

  for (const [name, path] of Object.entries(fonts)) add(name, fromPackage(path))
  for (const name of ['mark.svg', 'touch-icon.png']) add(name, own(name))
  add('htmx.js', fromPackage('htmx.org/dist/htmx.min.js'))
  add('webauthn.js', readFileSync(join(dirname(require.resolve('@simplewebauthn/browser')), '../dist/bundle/index.umd.min.js')))
  for (const name of ['live.js', 'local-time.js', 'passkeys.js', 'copy.js', 'approval.js']) add(name, own(`scripts/${name}`))
  const style = styles.map((name) => own(`styles/${name}.css`).toString()).join('\n')
  add(
    'asheville.css',
    style.replace(/asset\(([\w.-]+)\)/g, (_, name: string) => `url(${url(name)})`),
  )
  add(
    'asheville.webmanifest',
    own('asheville.webmanifest')
      .toString()
      .replace(/asset\(([\w.-]+)\)/g, (_, name: string) => url(name)),
  )

  const serve = (asset: Asset | undefined, cacheControl: string) =>
    page('GET', asset === undefined ? '/assets/:name' : '/favicon.ico', { who: 'anyone' }, (visit) => {
      const { request, response } = visit
      const found = asset ?? byUrl.get(`/assets/${visit.params.name ?? ''}`)
      if (!found) throw new AshevilleError('not-found', 'There is nothing here')
      const accepted = String(request.headers['accept-encoding'] ?? '')
      const packed = found.compressed.find(({ encoding }) => new RegExp(`\\b${encoding}\\b`).test(accepted))
      response.setHeader('content-type', found.type)
      response.setHeader('cache-control', cacheControl)
      response.setHeader('cross-origin-resource-policy', 'same-origin')
      if (found.compressed.length > 0) response.setHeader('vary', 'accept-encoding')
      if (packed) response.setHeader('content-encoding', packed.encoding)
      response.end(packed?.bytes ?? found.bytes)
      return Promise.resolve()
    })

  return {
    url,
    bindings: [serve(undefined, 'public, max-age=31536000, immutable'), serve(byUrl.get(url('mark.svg')), 'public, max-age=86400')],
  }
}

function compress(bytes: Buffer): Asset['compressed'] {
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }
  return [
    { encoding: 'br', bytes: brotliCompressSync(bytes, quality) },
    { encoding: 'gzip', bytes: gzipSync(bytes, { level: 9 }) },
  ]
}

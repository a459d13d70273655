// Plain JavaScript without dependencies: this runs on a fresh clone, with whatever Node (20 or newer) the machine has.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/** Holds the hash of the package-lock.json that npm ci was last run for. */
const mark = join(root, 'node_modules', '.installed-for')

/** Holds the process id of whoever installs now: two at once would remove what the other has just put there. */
const lock = join(root, '.installing')

if (whyInstall() !== null) {
  takeLock()
  try {
    const reason = whyInstall()
    if (reason !== null) install(reason)
  } finally {
    rmSync(lock, { force: true })
  }
}

function takeLock() {
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' })
      process.once('exit', () => rmSync(lock, { force: true }))
      return
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)
    if (!isRunning(Number(readIfThere(lock)))) rmSync(lock, { force: true })
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0)
    return pid > 0
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function readIfThere(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** Why the dependencies must be installed, or null when what is installed is what package-lock.json asks for. */
function whyInstall() {
  if (!existsSync(join(root, 'node_modules', '.bin', 'node'))) return 'first start'
  if (existsSync(mark) && readFileSync(mark, 'utf8') === hashOfLock()) return null
  const wanted = lockOf('package-lock.json')
  const installed = lockOf(join('node_modules', '.package-lock.json'))
  if (installed === null) return 'first start'
  for (const [path, entry] of Object.entries(wanted ?? {})) {
    if (path === '' || entry.link === true || !path.includes('node_modules/')) continue
    const version = installed[path]?.version
    // Optional packages for other platforms are not installed.
    if (version === undefined && (entry.optional === true || entry.devOptional === true)) continue
    if (version !== entry.version) return 'dependencies have changed'
  }
  return null
}

function hashOfLock() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
}

/** @returns {Record<string, { version?: string, link?: boolean, optional?: boolean, devOptional?: boolean }> | null} */
function lockOf(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages ?? {}
  } catch {
    return null
  }
}

function install(why) {
  process.stdout.write(`Installing dependencies (${why}); this takes about a minute, up to three on a slow line …\n`)
  const started = Date.now()
  const npm = process.env.npm_execpath
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
  const options = { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, NODE_ENV: '' } }
  const result =
    npm !== undefined && npm.endsWith('.js')
      ? spawnSync(process.execPath, [npm, ...args], options)
      : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' })
  if (result.status !== 0) {
    const what = result.error === undefined ? `npm ci ended with ${result.status ?? result.signal}` : result.error.message
    process.stderr.write(`The dependencies could not be installed: ${what}. The lines above say why; run npm ci to try again.\n`)
    process.exit(1)
  }
  writeFileSync(mark, hashOfLock())
  process.stdout.write(`Installed in ${Math.round((Date.now() - started) / 1000)} s\n`)
}

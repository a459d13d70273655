import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { startConstellation } from './constellation.ts'
import { portFrom, runInForeground } from './processes/foreground.ts'

// npm start: everything on one machine. npm run dev (--watch): the same, restarting what changes.

const root = join(import.meta.dirname, '..')
const watch = process.argv.includes('--watch')

process.exitCode = await runInForeground(async ({ stop, kill, print }) => {
  if (existsSync(join(root, '.env'))) process.loadEnvFile(join(root, '.env'))
  const constellation = await startConstellation({
    env: watch ? { NODE_ENV: 'development', ...process.env } : process.env,
    dataDir: process.env['DATA_DIR'] ?? join(root, '.data'),
    port: portFrom(process.env),
    signal: stop,
    killSignal: kill,
    onLine: print,
    watch,
  })
  print(`Asheville is ready at ${constellation.url}`)
  return constellation
})

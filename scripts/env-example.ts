import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { settingsBySection, type Setting } from './settings.ts'

// npm run env-example writes .env.example from what the launcher, the services' config.ts and the adapters declare; with
// --check it fails when the file is not that.

const target = join(import.meta.dirname, '..', '.env.example')

if (import.meta.main) {
  const text = envExample()
  if (!process.argv.includes('--check')) writeFileSync(target, text)
  else if (readFileSync(target, 'utf8') !== text) {
    process.stderr.write('.env.example is out of date: npm run env-example\n')
    process.exitCode = 1
  }
}

/** The text of `.env.example`. */
export function envExample(): string {
  const head =
    '# Every setting, with its default. Copy to .env what you change. Written by npm run env-example from what scripts/settings.ts gathers.\n'
  const sections = settingsBySection().map(([title, settings]) => `# --- ${title} ---\n\n${settings.map(entry).join('\n')}`)
  return [head, ...sections].join('\n')
}

function entry({ name, description, default: value }: Setting): string {
  return `# ${description}\n# ${name}=${value}\n`
}

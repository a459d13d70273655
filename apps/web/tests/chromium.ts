import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

/** A real browser: the machine's Chromium if it has one, else the one from npm. It calls nobody by itself. */
export async function launchChromium(): Promise<Browser> {
  const own = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path))
  const executablePath = own ?? (await (await import('@sparticuz/chromium')).default.executablePath())
  const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--no-first-run']
  return chromium.launch({ executablePath, args })
}

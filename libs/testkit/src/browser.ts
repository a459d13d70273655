import { accessSync, constants, existsSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright-core'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run']
const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync']

/** A headless Chromium that calls nobody by itself. */
export async function openBrowser(): Promise<Browser> {
  const environment = await browserEnvironment()
  const env = Object.fromEntries(Object.entries({ ...process.env, ...environment }).filter(([, value]) => value !== undefined))
  return chromium.launch({ executablePath: environment['CHROMIUM_PATH']!, args: [...flags, ...quiet], env: env as Record<string, string> })
}

/** Where our page leads that tells where one goes. It is left: a second later it would go there by itself, and undo what was begun meanwhile. */
export async function onwardAddress(page: Page): Promise<string> {
  const address = await page.getByRole('link', { name: /Continue to/ }).getAttribute('href')
  await page.goto('about:blank')
  return address!
}

/**
 * Where the browser is, as variables for the processes of a test run: `CHROMIUM_PATH` if set, the machine's own, or the one from the
 * npm registry. That one is unpacked to the temporary directory, which two processes must not do at the same time: `npm test`
 * asks once before it starts any.
 */
export async function browserEnvironment(): Promise<Record<string, string>> {
  const own = process.env['CHROMIUM_PATH'] || installed()
  if (own) return { CHROMIUM_PATH: own }
  // Makes the package unpack the libraries too that a machine without a desktop does not have.
  process.env['AWS_LAMBDA_JS_RUNTIME'] ??= 'nodejs22.x'
  if (!existsSync(join(tmpdir(), 'al2023'))) rmSync(join(tmpdir(), 'chromium'), { force: true })
  const { default: packed } = await import('@sparticuz/chromium')
  const CHROMIUM_PATH = await packed.executablePath()
  const LD_LIBRARY_PATH = process.env['LD_LIBRARY_PATH'] ?? ''
  return { CHROMIUM_PATH, LD_LIBRARY_PATH }
}

function installed(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

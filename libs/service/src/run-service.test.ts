import { spawn } from 'node:child_process'
import { describe, expect, test } from '@jest/globals'

const library = new URL('./run-service.ts', import.meta.url).href

/** Runs a process whose `main` is this code; sends it signals once it has written `up`. */
function run(main: string, signals: NodeJS.Signals[] = []): Promise<{ code: number | null; out: string; err: string }> {
  const source = `import { runService } from ${JSON.stringify(library)}\nrunService(async (signal) => { ${main} })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
    if (out.includes('up')) for (const signal of signals.splice(0)) child.kill(signal)
  })
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })))
}

const running = `setInterval(() => {}, 1000); signal.addEventListener('abort', () => console.log('aborted')); console.log('up')`

describe('runService', () => {
  test('tells a launcher that has an IPC channel once it runs', async () => {
    const source = `import { runService } from ${JSON.stringify(library)}\nrunService(async () => (setInterval(() => {}, 1000), { close: async () => {} }))`
    const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    const message = await new Promise((resolve) => child.once('message', resolve))
    expect(message).toBe('ready')
    child.kill('SIGTERM')
    const code = await new Promise((resolve) => child.once('exit', resolve))
    expect(code).toBe(0)
  })

  test('closes once on SIGTERM, however often it is told', async () => {
    const main = `${running}; return { close: async () => { await new Promise((r) => setTimeout(r, 100)); console.log('closed') } }`
    expect(await run(main, ['SIGTERM', 'SIGINT', 'SIGTERM'])).toEqual({ code: 0, out: 'up\naborted\nclosed\n', err: '' })
  })

  test('says why it cannot start, in plain words', async () => {
    const { code, err } = await run(`throw new Error('The environment is not right:\\n  PORT: is missing')`)
    expect({ code, err }).toEqual({ code: 1, err: 'cannot start: The environment is not right:\n  PORT: is missing\n' })
  })

  test('an error that nobody handled ends it, in its log', async () => {
    const logger = `{ fatal: ({ error }, message) => console.log(message, error.message) }`
    const main = `setTimeout(() => { Promise.reject(new Error('lost')) }, 50); ${running}; return { close: async () => {}, logger: ${logger} }`
    expect(await run(main)).toMatchObject({ code: 1, out: 'up\nuncaught lost\n' })
  })

  test('a close that fails is said', async () => {
    const { code, err } = await run(`${running}; return { close: async () => { throw new Error('stuck') } }`, ['SIGINT'])
    expect(code).toBe(1)
    expect(err).toContain('cannot stop cleanly: Error: stuck')
  })
})

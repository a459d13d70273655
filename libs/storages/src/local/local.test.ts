import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Storage, StorageIo } from '@asheville/core'
import { bytesOf, describeStorage, uploadOf } from '@asheville/testkit'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { local } from './index.ts'

const signal = new AbortController().signal
const person = '0b9c2f4e-5a57-4f5e-9a39-0c8f7c1d1e11'
const run = promisify(execFile)

function openIn(directory: string, accountId = person): Storage {
  const io = { account: { id: accountId, handle: '' }, variables: { LOCAL_STORAGE_DIR: directory } } as unknown as StorageIo
  return local.open(io)
}

describeStorage('local', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'asheville-local-'))
  return { storage: openIn(directory), close: () => rm(directory, { recursive: true, force: true }) }
})

/** A file system of 2 MiB, where this process may mount one. */
async function mountSmall(): Promise<string | null> {
  const directory = await mkdtemp(join(tmpdir(), 'asheville-small-'))
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=0777', 'tmpfs', directory])
    return directory
  } catch {
    await rm(directory, { recursive: true })
    return null
  }
}

const probe = await mountSmall()
const unmount = async (directory: string) => {
  await run('umount', ['-l', directory])
  await rm(directory, { recursive: true })
}
if (probe) await unmount(probe)

if (probe) {
  describeStorage('local on a disk that gets full', async () => {
    const directory = (await mountSmall())!
    const filler = join(directory, 'filler')
    return {
      storage: openIn(directory),
      fillQuota: async () => {
        await writeFile(filler, Buffer.alloc(1024 * 1024))
        for (;;) {
          try {
            await appendFile(filler, Buffer.alloc(32 * 1024))
          } catch {
            return
          }
        }
      },
      freeQuota: () => rm(filler),
      close: () => unmount(directory),
    }
  })
} else {
  // Mounting takes root; without it the full disk cannot be had, and the skipped test says so.
  test.skip('local on a disk that gets full (needs the right to mount)', () => undefined)
}

describe('local', () => {
  let directory: string
  let storage: Storage
  let folder: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'asheville-local-'))
    storage = openIn(directory)
    folder = join(directory, person, 'Asheville')
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  test('a person’s files lie below their own folder, readable with any program', async () => {
    await storage.put([uploadOf('mastodon/ada/posts/2024-03.json', '{}')], signal)
    expect(await readFile(join(folder, 'mastodon/ada/posts/2024-03.json'), 'utf8')).toBe('{}')
  })

  test.each(['', '..', '../x', 'a/b', '.', 'a\0b'])('the account id %j chooses no directory', (id) => {
    expect(() => openIn(directory, id)).toThrow('no valid id')
  })

  test('everything of a person can be removed, and nothing else; again, when there is nothing', async () => {
    const other = openIn(directory, '1b9c2f4e-5a57-4f5e-9a39-0c8f7c1d1e11')
    await storage.put([uploadOf('mastodon/ada/posts/2024-03.json', '{}'), uploadOf('README.txt', 'x')], signal)
    await other.put([uploadOf('README.txt', 'x')], signal)
    await storage.removeAll!(signal)
    await storage.removeAll!(signal)
    expect(await readdir(directory)).toEqual(['1b9c2f4e-5a57-4f5e-9a39-0c8f7c1d1e11'])
    // What somebody put beside the folder is not ours.
    await storage.put([uploadOf('README.txt', 'x')], signal)
    await writeFile(join(directory, person, 'mine.txt'), 'mine')
    await storage.removeAll!(signal)
    expect(await readdir(join(directory, person))).toEqual(['mine.txt'])
  })

  test('links inside the folder lead nowhere', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'asheville-outside-'))
    await writeFile(join(outside, 'secret.json'), 'secret')
    await mkdir(folder, { recursive: true })
    await symlink(outside, join(folder, 'linked'))
    await symlink(join(outside, 'secret.json'), join(folder, 'file.json'))
    await expect(storage.get('linked/secret.json', { signal })).rejects.toMatchObject({ kind: 'invalid' })
    await expect(storage.get('file.json', { signal })).rejects.toMatchObject({ kind: 'invalid' })
    await expect(storage.remove('linked/secret.json', null, signal)).rejects.toMatchObject({ kind: 'invalid' })
    const results = await storage.put([uploadOf('linked/new.json', 'x', 'any'), uploadOf('file.json', 'mine', 'any')], signal)
    expect(results.map(({ outcome }) => outcome)).toEqual(['failed', 'stored'])
    const found: string[] = []
    for await (const file of storage.list('', signal)) found.push(file.path)
    expect(found).toEqual(['file.json'])
    expect(await readdir(outside)).toEqual(['secret.json'])
    expect(await readFile(join(outside, 'secret.json'), 'utf8')).toBe('secret')
    await rm(outside, { recursive: true })
  })

  test('an edit from outside shows, however small, quick or backdated', async () => {
    const [result] = await storage.put([uploadOf('a.json', 'first')], signal)
    if (result?.outcome !== 'stored') throw new Error('not stored')
    const marks = new Set([result.revision])
    for (const content of ['secon', 'third', 'fourt']) {
      await writeFile(join(folder, 'a.json'), content)
      await utimes(join(folder, 'a.json'), 1, 1)
      const got = await storage.get('a.json', { signal })
      if (got === null || got === 'unchanged') throw new Error('nothing came')
      expect((await bytesOf(got.body)).toString()).toBe(content)
      marks.add(got.revision)
    }
    expect(marks.size).toBe(4)
  })

  test('a file that changes while it is read is an error, never a mixture', async () => {
    await storage.put([uploadOf('big.bin', Buffer.alloc(3 * 1024 * 1024, 1))], signal)
    const got = await storage.get('big.bin', { signal })
    if (got === null || got === 'unchanged') throw new Error('nothing came')
    const reading = (async () => {
      for await (const _ of got.body) await writeFile(join(folder, 'big.bin'), Buffer.alloc(3 * 1024 * 1024, 2))
    })()
    await expect(reading).rejects.toMatchObject({ kind: 'unavailable' })
  })

  test('a version that is replaced while it is read is read to its end', async () => {
    await storage.put([uploadOf('big.bin', Buffer.alloc(3 * 1024 * 1024, 1))], signal)
    const got = await storage.get('big.bin', { signal })
    if (got === null || got === 'unchanged') throw new Error('nothing came')
    await storage.put([uploadOf('big.bin', 'new', 'any')], signal)
    expect((await bytesOf(got.body)).equals(Buffer.alloc(3 * 1024 * 1024, 1))).toBe(true)
  })

  test('what a killed process left unfinished is never listed, and removed', async () => {
    const script = `
      import { local } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))}
      import { Readable } from 'node:stream'
      const storage = local.open({ account: { id: ${JSON.stringify(person)} }, variables: { LOCAL_STORAGE_DIR: ${JSON.stringify(directory)} } })
      const body = () => Readable.from((async function* () { yield Buffer.alloc(1000); console.log('half'); await new Promise((done) => setTimeout(done, 60_000)) })())
      await storage.put([{ path: 'a.bin', bytes: 2000, sha256: '0'.repeat(64), body, replaces: null }], new AbortController().signal)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'exit')

    expect(await readdir(join(folder, '.incoming'))).toHaveLength(1)
    for await (const file of storage.list('', signal)) throw new Error(`${file.path} is listed`)
    expect(await storage.stat('a.bin', signal)).toBeNull()
    await storage.put([uploadOf('b.bin', 'x')], signal)
    expect(await readdir(join(folder, '.incoming'))).toEqual([])
  })

  test('space is that of the disk, also before the first file', async () => {
    const space = await storage.space!(signal)
    expect(space.total).toBeGreaterThan(0)
  })
})

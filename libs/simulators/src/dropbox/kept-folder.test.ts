import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { startDropbox } from './index.ts'

test('what an account holds lies in its folder, whatever happened to it, and is there again at the next start', async () => {
  const keptIn = await mkdtemp(join(tmpdir(), 'asheville-kept-'))
  try {
    const first = await startDropbox({ keptIn })
    first.put('/Notes/one.txt', 'one')
    first.put('/Notes/two.txt', 'two')
    first.put('/Notes/one.txt', 'one, again')
    first.put('/elsewhere/three.txt', 'three')
    first.move('/elsewhere', '/Moved')
    first.remove('/Notes/two.txt')
    first.put('/of bob.txt', 'his', { account: 'bob' })
    await first.close()
    const names = (await readdir(keptIn, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
    expect(names.map(({ name }) => name).sort()).toEqual(['of bob.txt', 'one.txt', 'three.txt'])
    expect(await readFile(join(keptIn, 'alice', 'Notes', 'one.txt'), 'utf8')).toBe('one, again')

    const second = await startDropbox({ keptIn })
    const files = second.truth()['alice']!.files
    expect(files.map(({ path }) => path).sort()).toEqual(['/Moved/three.txt', '/Notes/one.txt'])
    expect(second.read('/Notes/one.txt').toString()).toBe('one, again')
    expect(second.read('/of bob.txt', 'bob').toString()).toBe('his')
    await second.close()
  } finally {
    await rm(keptIn, { recursive: true, force: true })
  }
})

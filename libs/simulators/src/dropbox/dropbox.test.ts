import { afterEach, describe, expect, test } from '@jest/globals'
import { Dropbox, DropboxAuth, DropboxResponseError } from 'dropbox'
import { createHash, randomBytes } from 'node:crypto'
import { sha256 } from '../kit/index.ts'
import { startDropbox } from './index.ts'
import type { DropboxOptions, DropboxSimulator } from './index.ts'

const open: DropboxSimulator[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((simulator) => simulator.close()))
})

/** The vendor's own SDK with an account's token, and plain calls. */
async function start(options: DropboxOptions = {}) {
  const server = await startDropbox({ seed: 5, commitMs: 0, ...options })
  open.push(server)
  const { accessToken } = server.issueTokens()
  const swapped: typeof fetch = (input, init) => {
    const { pathname, search } = new URL(String(input))
    return fetch(`${server.url}${pathname}${search}`, init)
  }
  const sdkOf = (token: string) => new Dropbox({ accessToken: token, fetch: swapped })
  const post = async (path: string, init: RequestInit = {}, token: string | null = accessToken) => {
    const headers = { ...(token !== null && { authorization: `Bearer ${token}` }), ...(init.headers as Record<string, string>) }
    const response = await fetch(`${server.url}/2/${path}`, { method: 'POST', ...init, headers })
    return { status: response.status, headers: response.headers, text: await response.text() }
  }
  const rpc = (path: string, body: unknown, token?: string) =>
    post(path, { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }, token ?? accessToken)
  return { server, sdk: sdkOf(accessToken), sdkOf, swapped, post, rpc, accessToken }
}

/** What a refused call of the SDK says: its status and the summary without the dots at the end. */
async function refusal(call: Promise<unknown>): Promise<[status: number, summary: string]> {
  const error = await call.then(
    () => {
      throw new Error('the call was not refused')
    },
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof DropboxResponseError)) throw error
  const body = error.error as { error_summary?: string } | string
  const text = typeof body === 'string' ? body : (body.error_summary ?? '')
  return [error.status, text.replace(/\/\.*$/, '')]
}

/** The content hash as the documentation describes it, written anew. */
function contentHashOf(bytes: Buffer): string {
  const sum = (part: Buffer) => createHash('sha256').update(part).digest()
  const blocks: Buffer[] = []
  for (let at = 0; at < bytes.length; at += 4_194_304) blocks.push(sum(bytes.subarray(at, at + 4_194_304)))
  return sum(Buffer.concat(blocks)).toString('hex')
}

const bytesOf = async (sdk: Dropbox, path: string) =>
  ((await sdk.filesDownload({ path })).result as unknown as { fileBinary: Buffer }).fileBinary
const pathsOf = (entries: { path_display?: string; '.tag': string }[]) => entries.map((entry) => `${entry['.tag']} ${entry.path_display}`)

describe('files', () => {
  test('what is uploaded comes back, with the metadata that Dropbox gives', async () => {
    const { server, sdk } = await start()
    const contents = randomBytes(9_000_000)
    const { result } = await sdk.filesUpload({ path: '/Ärger/Foto 1.JPG', contents, client_modified: '2020-02-03T04:05:06Z' })
    expect(result).toMatchObject({
      name: 'Foto 1.JPG',
      path_lower: '/ärger/foto 1.jpg',
      path_display: '/Ärger/Foto 1.JPG',
      client_modified: '2020-02-03T04:05:06Z',
      size: 9_000_000,
      content_hash: contentHashOf(contents),
    })
    expect(result.rev).toMatch(/^[0-9a-f]{9,}$/)
    expect(result.id).toMatch(/^id:.+$/)
    expect((await bytesOf(sdk, '/ÄRGER/foto 1.jpg')).equals(contents)).toBe(true)
    expect((await bytesOf(sdk, result.id)).equals(contents)).toBe(true)
    const there = { '.tag': 'file', rev: result.rev, id: result.id }
    expect((await sdk.filesGetMetadata({ path: '/ärger/foto 1.jpg' })).result).toMatchObject(there)
    expect((await sdk.filesGetMetadata({ path: '/Ärger' })).result).toMatchObject({ '.tag': 'folder', name: 'Ärger' })
    expect(server.truth().alice!.files).toEqual([
      expect.objectContaining({ path: '/Ärger/Foto 1.JPG', bytes: 9_000_000, sha256: sha256(contents), rev: result.rev }),
    ])
    expect(server.truth().bob!.files).toEqual([])
  })

  test('a range, a revision, a GET with the argument in the address, and what is not there', async () => {
    const { server, sdk, post, rpc, accessToken } = await start()
    const first = (await sdk.filesUpload({ path: '/a.bin', contents: Buffer.from('0123456789') })).result
    server.put('/a.bin', 'new')
    expect((await bytesOf(sdk, `rev:${first.rev}`)).toString()).toBe('0123456789')
    const arg = JSON.stringify({ path: `rev:${first.rev}` })
    const part = await post('files/download', { headers: { 'dropbox-api-arg': arg, range: 'bytes=3-5' } })
    expect([part.status, part.text, part.headers.get('content-range')]).toEqual([206, '345', 'bytes 3-5/10'])
    expect(JSON.parse(part.headers.get('dropbox-api-result')!)).toMatchObject({ rev: first.rev, size: 10 })
    const ranged = async (range: string) => (await post('files/download', { headers: { 'dropbox-api-arg': arg, range } })).text
    expect([await ranged('bytes=7-'), await ranged('bytes=-2'), await ranged('bytes=8-99')]).toEqual(['789', '89', '89'])
    expect((await post('files/download', { headers: { 'dropbox-api-arg': arg, range: 'bytes=10-' } })).status).toBe(416)
    const address = `${server.url}/2/files/download?${new URLSearchParams({ arg: '{"path":"/a.bin"}', authorization: `Bearer ${accessToken}` })}`
    const shown = await fetch(address)
    expect([shown.headers.get('content-length'), await shown.text()]).toEqual(['3', 'new'])
    const unchanged = await fetch(address, { headers: { 'if-none-match': shown.headers.get('etag')! } })
    expect(unchanged.status).toBe(304)

    expect(await refusal(sdk.filesDownload({ path: '/b.bin' }))).toEqual([409, 'path/not_found'])
    server.put('/folder/x', '')
    expect(await refusal(sdk.filesDownload({ path: '/folder' }))).toEqual([409, 'path/not_file'])
    expect(await refusal(sdk.filesDownload({ path: 'rev:123456789' }))).toEqual([409, 'path/not_found'])
    expect(await refusal(sdk.filesGetMetadata({ path: '/a.bin/../b' }))).toEqual([409, 'path/malformed_path'])
    expect((await rpc('files/get_metadata', { path: '' })).text).toContain('The root folder is unsupported.')
    const body = JSON.parse((await rpc('files/get_metadata', { path: '/no/such' })).text) as object
    expect(body).toEqual({
      error_summary: expect.stringMatching(/^path\/not_found\/\.{0,5}$/),
      error: { '.tag': 'path', path: { '.tag': 'not_found' } },
    })
  })

  test('folders: made, made on the way, in the way', async () => {
    const { server, sdk } = await start()
    const { metadata } = (await sdk.filesCreateFolderV2({ path: '/One' })).result
    expect(metadata).toEqual({ name: 'One', path_lower: '/one', path_display: '/One', id: expect.stringMatching(/^id:/) })
    expect(await refusal(sdk.filesCreateFolderV2({ path: '/oNE' }))).toEqual([409, 'path/conflict/folder'])
    expect((await sdk.filesCreateFolderV2({ path: '/one', autorename: true })).result.metadata.name).toBe('one (1)')
    await sdk.filesUpload({ path: '/ONE/Two/f.txt', contents: 'f' })
    expect(server.truth().alice).toMatchObject({ folders: ['/One', '/one (1)', '/One/Two'], files: [{ path: '/One/Two/f.txt' }] })
    expect(await refusal(sdk.filesUpload({ path: '/one/two', contents: 'x', mode: { '.tag': 'overwrite' } }))).toEqual([
      409,
      'path/conflict/folder',
    ])
    expect(await refusal(sdk.filesUpload({ path: '/one/two/F.TXT/deeper', contents: 'x' }))).toEqual([409, 'path/conflict/file_ancestor'])
    expect(await refusal(sdk.filesCreateFolderV2({ path: '/One/Two/f.txt' }))).toEqual([409, 'path/conflict/file'])
  })

  test('modes: add, overwrite, update; equal contents; strictness; autorename', async () => {
    const { sdk, server } = await start()
    const put = async (contents: string, more: object = {}) => (await sdk.filesUpload({ path: '/f.txt', contents, ...more })).result
    const first = await put('one')
    expect((await put('one')).rev).toBe(first.rev)
    expect(await refusal(put('one', { strict_conflict: true }))).toEqual([409, 'path/conflict/file'])
    expect(await refusal(put('two'))).toEqual([409, 'path/conflict/file'])
    expect((await put('two', { autorename: true })).path_display).toBe('/f (1).txt')
    const second = await put('two', { mode: { '.tag': 'overwrite' } })
    expect([second.id, second.rev === first.rev]).toEqual([first.id, false])
    const update = (rev: string) => ({ mode: { '.tag': 'update', update: rev } })
    const third = await put('three', update(second.rev))
    expect(await refusal(put('four', update(second.rev)))).toEqual([409, 'path/conflict/file'])
    expect((await put('four', { ...update(second.rev), autorename: true })).name).toBe('f (conflicted copy).txt')
    server.remove('/f.txt')
    expect(await refusal(put('five', { ...update(third.rev), strict_conflict: true }))).toEqual([409, 'path/conflict/file'])
    const again = await put('five', update(third.rev))
    expect(again.id).not.toBe(first.id)
    expect(server.writes()).toMatchObject({ '/f.txt': 4, '/f (1).txt': 1 })
  })

  test.each([
    ['/a//b', 'path/malformed_path'],
    ['/a/', 'path/malformed_path'],
    ['/a/./b', 'path/malformed_path'],
    ['/a\\b', 'path/malformed_path'],
    ['/a /b', 'path/malformed_path'],
    ['/a\u007f', 'path/malformed_path'],
    [`/${'x'.repeat(256)}`, 'path/malformed_path'],
    ['/a/desktop.ini', 'path/disallowed_name'],
    ['/.DS_Store', 'path/disallowed_name'],
    ['/~$draft.docx', 'path/disallowed_name'],
    ['/.~lock', 'path/disallowed_name'],
    ['/~x.tmp', 'path/disallowed_name'],
  ])('%j cannot be saved: %s', async (path, summary) => {
    const { sdk } = await start()
    expect(await refusal(sdk.filesUpload({ path, contents: 'x' }))).toEqual([409, summary])
  })

  test('names are the same whatever their case and their composition', async () => {
    const { sdk } = await start()
    await sdk.filesUpload({ path: '/Ole\u0301.txt', contents: 'x' })
    const { result } = await sdk.filesGetMetadata({ path: '/OL\u00c9.TXT' })
    expect([result.name, result.path_lower]).toEqual(['Ol\u00e9.txt', '/ol\u00e9.txt'])
    await sdk.filesUpload({ path: '/\u{1f600}/\u0130\u03a3', contents: 'x' })
    expect((await sdk.filesGetMetadata({ path: '/\u{1f600}/i\u03c3' })).result.name).toBe('\u0130\u03a3')
  })

  test('deletion: by revision, of folders whole', async () => {
    const { sdk, server } = await start()
    const { rev } = server.put('/d/e/f', '1')
    server.put('/d/e/f', '2')
    expect(await refusal(sdk.filesDeleteV2({ path: '/d/e/f', parent_rev: rev }))).toEqual([409, 'path_write/conflict/file'])
    expect((await sdk.filesDeleteV2({ path: '/D' })).result.metadata).toMatchObject({ '.tag': 'folder', path_display: '/d' })
    expect(server.truth().alice).toMatchObject({ used: 0, folders: [], files: [] })
    expect(await refusal(sdk.filesDeleteV2({ path: '/d/e/f' }))).toEqual([409, 'path_lookup/not_found'])
    expect((await sdk.filesGetMetadata({ path: '/d', include_deleted: true })).result).toMatchObject({
      '.tag': 'deleted',
      path_display: '/d',
    })
  })

  test('moving keeps ids, copying does not', async () => {
    const { sdk, server } = await start()
    const { id } = server.put('/m/a.txt', 'a')
    expect((await sdk.filesMoveV2({ from_path: '/m', to_path: '/n/m2' })).result.metadata).toMatchObject({ '.tag': 'folder', name: 'm2' })
    expect((await sdk.filesGetMetadata({ path: id })).result.path_display).toBe('/n/m2/a.txt')
    const copied = (await sdk.filesCopyV2({ from_path: id, to_path: '/b.txt' })).result.metadata
    expect([copied['.tag'], (copied as { id: string }).id === id]).toEqual(['file', false])
    expect(await refusal(sdk.filesMoveV2({ from_path: '/none', to_path: '/x' }))).toEqual([409, 'from_lookup/not_found'])
    expect(await refusal(sdk.filesMoveV2({ from_path: '/b.txt', to_path: '/N' }))).toEqual([409, 'to/conflict/folder'])
    expect(await refusal(sdk.filesMoveV2({ from_path: '/n', to_path: '/N/m2/n' }))).toEqual([409, 'cant_move_folder_into_itself'])
    server.fill()
    expect(await refusal(sdk.filesCopyV2({ from_path: '/b.txt', to_path: '/c.txt' }))).toEqual([409, 'insufficient_quota'])
  })

  test('quota: what is full takes no more, and says so', async () => {
    const { sdk, server } = await start({ quotaBytes: 100 })
    await sdk.filesUpload({ path: '/a', contents: Buffer.alloc(60) })
    expect(await refusal(sdk.filesUpload({ path: '/b', contents: Buffer.alloc(41) }))).toEqual([409, 'path/insufficient_space'])
    await sdk.filesUpload({ path: '/a', contents: Buffer.alloc(100), mode: { '.tag': 'overwrite' } })
    expect((await sdk.usersGetSpaceUsage()).result).toEqual({ used: 100, allocation: { '.tag': 'individual', allocated: 100 } })
    server.setQuota(500)
    server.fill(10)
    expect(await refusal(sdk.filesUpload({ path: '/b', contents: Buffer.alloc(11) }))).toEqual([409, 'path/insufficient_space'])
    server.free()
    await sdk.filesUpload({ path: '/b', contents: Buffer.alloc(11) })
  })

  test('a content hash that does not fit is told, and nothing is saved', async () => {
    const { sdk, server } = await start()
    const wrong = contentHashOf(Buffer.from('other'))
    expect(await refusal(sdk.filesUpload({ path: '/a', contents: 'x', content_hash: wrong }))).toEqual([409, 'content_hash_mismatch'])
    expect(await refusal(sdk.filesUploadSessionStart({ contents: 'x', content_hash: wrong }))).toEqual([409, 'content_hash_mismatch'])
    expect(server.truth().alice!.files).toEqual([])
    expect((await sdk.filesUpload({ path: '/empty', contents: '' })).result.content_hash).toBe(contentHashOf(Buffer.alloc(0)))
  })

  test('a body in chunks of unknown length; more than 150 MiB is refused', async () => {
    const { server, post } = await start()
    const chunk = Buffer.alloc(1024 * 1024, 7)
    const send = (many: number) => {
      let sent = 0
      const body = new ReadableStream<Uint8Array>({ pull: (to) => (sent++ < many ? to.enqueue(chunk) : to.close()) })
      const headers = { 'dropbox-api-arg': '{"path":"/big"}', 'content-type': 'application/octet-stream' }
      return post('files/upload', { body, headers, duplex: 'half' } as RequestInit)
    }
    const tooLong = await send(151)
    expect([tooLong.status, tooLong.text]).toEqual([409, expect.stringContaining('payload_too_large')])
    expect((await send(20)).status).toBe(200)
    expect(server.truth().alice!.files).toMatchObject([{ path: '/big', bytes: 20 * chunk.length }])
  }, 120_000)
})

describe('upload sessions', () => {
  test('a sequence: offsets are kept, a repeated piece is told where to go on', async () => {
    const { sdk, server } = await start()
    const whole = randomBytes(3000)
    const { session_id } = (await sdk.filesUploadSessionStart({ contents: whole.subarray(0, 1000) })).result
    const append = (offset: number, end: number, close = false) =>
      sdk.filesUploadSessionAppendV2({ cursor: { session_id, offset }, contents: whole.subarray(offset, end), close })
    await append(1000, 2000)
    const late = await append(1000, 2000).catch((error: unknown) => error as DropboxResponseError<unknown>)
    expect([(late as DropboxResponseError<unknown>).status, (late as DropboxResponseError<unknown>).error]).toEqual([
      409,
      { error_summary: expect.stringMatching(/^incorrect_offset\//), error: { '.tag': 'incorrect_offset', correct_offset: 2000 } },
    ])
    await append(2000, 2500, true)
    expect(await refusal(append(2500, 3000))).toEqual([409, 'closed'])
    const finish = (offset: number, contents?: Buffer) =>
      sdk.filesUploadSessionFinish({ cursor: { session_id, offset }, commit: { path: '/s' }, contents: contents ?? '' })
    expect(await refusal(finish(2499))).toEqual([409, 'lookup_failed/incorrect_offset'])
    expect(await refusal(finish(2500, whole.subarray(2500)))).toEqual([409, 'lookup_failed/closed'])
    expect((await finish(2500)).result).toMatchObject({ name: 's', content_hash: contentHashOf(whole.subarray(0, 2500)) })
    expect(await refusal(finish(2500))).toEqual([409, 'lookup_failed/not_found'])
    expect(server.read('/s').equals(whole.subarray(0, 2500))).toBe(true)
    expect(await refusal(sdk.filesUploadSessionAppendV2({ cursor: { session_id: 'none', offset: 0 }, contents: '' }))).toEqual([
      409,
      'not_found',
    ])
  })

  test('the last piece with finish; a commit that failed can be done again elsewhere without data', async () => {
    const { sdk, server } = await start()
    server.put('/taken', 'x')
    const { session_id } = (await sdk.filesUploadSessionStart({ contents: 'ab' })).result
    const finish = (path: string, offset: number, contents: string) =>
      sdk.filesUploadSessionFinish({ cursor: { session_id, offset }, commit: { path }, contents })
    expect(await refusal(finish('/taken', 2, 'cd'))).toEqual([409, 'path/conflict/file'])
    expect((await finish('/free', 4, '')).result.size).toBe(4)

    const error = await sdk
      .filesUpload({ path: '/taken', contents: 'other' })
      .catch((thrown: unknown) => thrown as DropboxResponseError<unknown>)
    const { upload_session_id } = ((error as DropboxResponseError<unknown>).error as { error: { upload_session_id: string } }).error
    const { result } = await sdk.filesUploadSessionFinish({
      cursor: { session_id: upload_session_id, offset: 5 },
      commit: { path: '/other' },
      contents: '',
    })
    expect([result.size, server.read('/other').toString()]).toEqual([5, 'other'])
  })

  test('batches: many begun, filled and committed, each with its own outcome', async () => {
    const { sdk, server } = await start()
    server.put('/2', 'in the way')
    const { session_ids } = (await sdk.filesUploadSessionStartBatch({ num_sessions: 5 })).result
    const entry = (i: number, length: number, more: object = {}) => ({
      cursor: { session_id: session_ids[i]!, offset: 0 },
      length,
      close: true,
      ...more,
    })
    const append = (entries: ReturnType<typeof entry>[], contents: string) => sdk.filesUploadSessionAppendBatch({ entries, contents })
    expect(await refusal(append([entry(0, 2), entry(1, 3)], 'abcd'))).toEqual([409, 'length_mismatch'])
    const bad = { cursor: { session_id: session_ids[4]!, offset: 7 }, length: 1, close: true }
    const filled = await append([entry(0, 1), entry(1, 2), entry(2, 0), entry(3, 3, { close: false }), bad], 'abbcccx')
    expect(filled.result.entries).toEqual([
      { '.tag': 'success' },
      { '.tag': 'success' },
      { '.tag': 'success' },
      { '.tag': 'success' },
      { '.tag': 'failure', failure: { '.tag': 'incorrect_offset', correct_offset: 0 } },
    ])
    const commit = (i: number, offset: number, path = `/${i}`) => ({ cursor: { session_id: session_ids[i]!, offset }, commit: { path } })
    const finished = await sdk.filesUploadSessionFinishBatchV2({
      entries: [commit(0, 1), commit(1, 2, '/2'), commit(2, 0, '/two'), commit(3, 3), commit(0, 1, '/again')],
    })
    expect(finished.result.entries).toMatchObject([
      { '.tag': 'success', path_display: '/0', size: 1 },
      { '.tag': 'failure', failure: { '.tag': 'path', path: { '.tag': 'conflict', conflict: { '.tag': 'file' } } } },
      { '.tag': 'success', path_display: '/two', size: 0 },
      { '.tag': 'failure', failure: { '.tag': 'lookup_failed', lookup_failed: { '.tag': 'not_closed' } } },
      { '.tag': 'failure', failure: { '.tag': 'lookup_failed', lookup_failed: { '.tag': 'not_found' } } },
    ])
    expect(server.read('/0').toString()).toBe('a')
    server.failEntries(1)
    const lucky = [commit(1, 2, '/1'), commit(1, 2, '/1')]
    expect((await sdk.filesUploadSessionFinishBatchV2({ entries: lucky })).result.entries).toMatchObject([
      { '.tag': 'failure', failure: { '.tag': 'too_many_write_operations' } },
      { '.tag': 'success', path_display: '/1' },
    ])
    expect(server.openSessions()).toBe(2)
    server.forgetSessions()
    expect((await sdk.filesUploadSessionFinishBatchV2({ entries: [commit(3, 3)] })).result.entries).toMatchObject([
      { failure: { lookup_failed: { '.tag': 'not_found' } } },
    ])
  })

  test('a batch as a job: in progress, then complete; a second meanwhile gets nothing', async () => {
    const { sdk } = await start({ jobMs: 400 })
    const begin = async (path: string) => {
      const { session_id } = (await sdk.filesUploadSessionStart({ contents: path, close: true })).result
      return { entries: [{ cursor: { session_id, offset: path.length }, commit: { path } }] }
    }
    const [one, two] = [await begin('/one'), await begin('/two')]
    const jobOf = async (batch: typeof one) =>
      ((await sdk.filesUploadSessionFinishBatch(batch)).result as { async_job_id: string }).async_job_id
    const [first, second] = [await jobOf(one), await jobOf(two)]
    const check = async (id: string) =>
      (await sdk.filesUploadSessionFinishBatchCheck({ async_job_id: id })).result as { '.tag': string; entries?: object[] }
    expect((await check(first))['.tag']).toBe('in_progress')
    let done = await check(first)
    while (done['.tag'] === 'in_progress') done = await check(first)
    expect(done.entries).toMatchObject([{ '.tag': 'success', path_display: '/one' }])
    expect((await check(second)).entries).toMatchObject([{ '.tag': 'failure', failure: { '.tag': 'too_many_write_operations' } }])
    expect(await refusal(check('none'))).toEqual([409, 'invalid_async_job_id'])
  })

  test('concurrent sessions: in any order, in whole units of 4 MiB, closed before they are finished', async () => {
    const { sdk, server } = await start()
    const unit = 4 * 1024 * 1024
    const whole = randomBytes(2 * unit + 10)
    const concurrent = { session_type: { '.tag': 'concurrent' } } as const
    expect(await refusal(sdk.filesUploadSessionStart({ ...concurrent, contents: 'x' }))).toEqual([
      409,
      'concurrent_session_data_not_allowed',
    ])
    expect(await refusal(sdk.filesUploadSessionStart({ ...concurrent, close: true }))).toEqual([
      409,
      'concurrent_session_close_not_allowed',
    ])
    const { session_id } = (await sdk.filesUploadSessionStart(concurrent)).result
    const append = (offset: number, end: number, close = false) =>
      sdk.filesUploadSessionAppendV2({ cursor: { session_id, offset }, contents: whole.subarray(offset, end), close })
    const finish = () =>
      sdk.filesUploadSessionFinish({ cursor: { session_id, offset: whole.length }, commit: { path: '/c' }, contents: '' })
    expect(await refusal(append(5, 5 + unit))).toEqual([409, 'concurrent_session_invalid_offset'])
    expect(await refusal(append(0, unit - 1))).toEqual([409, 'concurrent_session_invalid_data_size'])
    await Promise.all([append(unit, 2 * unit), append(0, unit)])
    expect(await refusal(finish())).toEqual([409, 'concurrent_session_not_closed'])
    await append(2 * unit, whole.length, true)
    expect((await finish()).result.content_hash).toBe(contentHashOf(whole))
    expect(server.read('/c').equals(whole)).toBe(true)

    const holed = (await sdk.filesUploadSessionStart(concurrent)).result.session_id
    await sdk.filesUploadSessionAppendV2({ cursor: { session_id: holed, offset: unit }, contents: 'end', close: true })
    const early = sdk.filesUploadSessionFinish({ cursor: { session_id: holed, offset: unit + 3 }, commit: { path: '/h' }, contents: '' })
    expect(await refusal(early)).toEqual([409, 'concurrent_session_missing_data'])
  })

  test('a session is good for seven days', async () => {
    let time = Date.parse('2026-01-01T00:00:00Z')
    const { server, sdkOf } = await start({ now: () => time, tokenSeconds: 10 * 86_400 })
    const sdk = sdkOf(server.issueTokens().accessToken)
    const { session_id } = (await sdk.filesUploadSessionStart({ contents: 'x' })).result
    time += 7 * 86_400_000
    expect(await refusal(sdk.filesUploadSessionAppendV2({ cursor: { session_id, offset: 1 }, contents: 'y' }))).toEqual([409, 'not_found'])
  })
})

describe('the lock', () => {
  test('commits that overlap fail, those one after the other do not', async () => {
    const { sdk, server } = await start({ commitMs: 150 })
    const outcomes = await Promise.allSettled(['/a', '/b', '/c'].map((path) => sdk.filesUpload({ path, contents: path })))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const { reason } = outcomes.find((one) => one.status === 'rejected') as { reason: DropboxResponseError<unknown> }
    expect([reason.status, reason.error]).toEqual([
      429,
      { error_summary: 'too_many_write_operations/..', error: { reason: { '.tag': 'too_many_write_operations' }, retry_after: 1 } },
    ])
    for (const path of ['/d', '/e']) await sdk.filesUpload({ path, contents: path })
    expect([server.truth().alice!.files.length, server.lockRefusals()]).toEqual([3, 2])
  })

  test('each endpoint tells it in its own way', async () => {
    for (const lockAnswer of ['rate-limit', 'tagged'] as const) {
      const { sdk, sdkOf, server } = await start({ lockAnswer })
      server.put('/f', 'f')
      const { session_id } = (await sdk.filesUploadSessionStart({ contents: 'x', close: true })).result
      const release = server.holdLock()
      const expected = (summary: string) => (lockAnswer === 'tagged' ? [409, summary] : [429, 'too_many_write_operations'])
      const finished = { cursor: { session_id, offset: 1 }, commit: { path: '/g' } }
      expect(await refusal(sdk.filesUpload({ path: '/g', contents: '' }))).toEqual(expected('path/too_many_write_operations'))
      expect(await refusal(sdk.filesCreateFolderV2({ path: '/g' }))).toEqual(expected('path/too_many_write_operations'))
      expect(await refusal(sdk.filesMoveV2({ from_path: '/f', to_path: '/g' }))).toEqual(expected('to/too_many_write_operations'))
      expect(await refusal(sdk.filesDeleteV2({ path: '/f' }))).toEqual([409, 'too_many_write_operations'])
      expect(await refusal(sdk.filesUploadSessionFinish({ ...finished, contents: '' }))).toEqual([409, 'too_many_write_operations'])
      expect((await sdk.filesUploadSessionFinishBatchV2({ entries: [finished] })).result.entries).toEqual([
        { '.tag': 'failure', failure: { '.tag': 'too_many_write_operations' } },
      ])
      await sdkOf(server.issueTokens({ account: 'bob' }).accessToken).filesUpload({ path: '/free', contents: '' })
      release()
      expect((await sdk.filesUploadSessionFinishBatchV2({ entries: [finished] })).result.entries).toMatchObject([{ '.tag': 'success' }])
    }
  })
})

describe('listing', () => {
  /** Follows a cursor to its end. */
  async function follow(sdk: Dropbox, cursor: string) {
    const entries: string[] = []
    for (let hasMore = true; hasMore;) {
      const { result } = await sdk.filesListFolderContinue({ cursor })
      entries.push(...pathsOf(result.entries))
      ;[cursor, hasMore] = [result.cursor, result.has_more]
    }
    return { entries, cursor }
  }

  test('by pages, flat or deep; then only what changes', async () => {
    const { sdk, server } = await start({ pageSize: 3 })
    for (const path of ['/p/5', '/p/q/1', '/p/q/2', '/p/1', '/p/Z', '/elsewhere']) server.put(path, path)
    const first = (await sdk.filesListFolder({ path: '/P' })).result
    expect([pathsOf(first.entries), first.has_more]).toEqual([['file /p/1', 'file /p/5', 'folder /p/q'], true])
    server.put('/p/late', 'x')
    const rest = await follow(sdk, first.cursor)
    expect(rest.entries).toEqual(['file /p/Z'])
    const late = await follow(sdk, rest.cursor)
    expect(late.entries).toEqual(['file /p/late'])
    const deep = await sdk.filesListFolder({ path: '/p', recursive: true, limit: 2000 })
    expect(pathsOf(deep.result.entries)).toEqual([
      'folder /p',
      'file /p/1',
      'file /p/5',
      'file /p/late',
      'folder /p/q',
      'file /p/q/1',
      'file /p/q/2',
      'file /p/Z',
    ])
    server.put('/p/5', 'changed')
    server.put('/p/q/3', 'new')
    server.put('/p/q/3', 'newer')
    server.put('/elsewhere', 'not told')
    expect((await follow(sdk, late.cursor)).entries).toEqual(['file /p/5'])
    const news = await follow(sdk, deep.result.cursor)
    expect(news.entries).toEqual(['file /p/5', 'file /p/q/3'])
    expect((await follow(sdk, news.cursor)).entries).toEqual([])
    expect(await refusal(sdk.filesListFolder({ path: '/none' }))).toEqual([409, 'path/not_found'])
    expect(await refusal(sdk.filesListFolder({ path: '/p/5' }))).toEqual([409, 'path/not_folder'])
  })

  test('a folder that went is one entry; one that came again is told after it', async () => {
    const { sdk, server } = await start()
    for (const path of ['/r/s/1', '/r/s/2', '/r/t']) server.put(path, path)
    const { cursor } = (await sdk.filesListFolderGetLatestCursor({ path: '', recursive: true })).result
    server.put('/r/s/3', 'came and went')
    server.remove('/r/s')
    const gone = await follow(sdk, cursor)
    expect(gone.entries).toEqual(['deleted /r/s'])
    server.put('/r/s/4', 'x')
    server.move('/r/t', '/u')
    expect((await follow(sdk, cursor)).entries).toEqual(['deleted /r/s', 'folder /r/s', 'file /r/s/4', 'deleted /r/t', 'file /u'])
    expect((await follow(sdk, gone.cursor)).entries).toEqual(['folder /r/s', 'file /r/s/4', 'deleted /r/t', 'file /u'])
    const inner = (await sdk.filesListFolder({ path: '/r/s' })).result.cursor
    server.remove('/r')
    expect(await refusal(sdk.filesListFolderContinue({ cursor: inner }))).toEqual([409, 'path/not_found'])
    server.put('/r/s/5', 'x')
    expect(await refusal(sdk.filesListFolderContinue({ cursor: inner }))).toEqual([409, 'reset'])
    const all = (await sdk.filesListFolder({ path: '/r', include_deleted: true })).result
    expect(pathsOf(all.entries)).toEqual(['folder /r/s', 'deleted /r/t'])
  })

  test('cursors that are reset, foreign or made up', async () => {
    const { sdk, sdkOf, server } = await start()
    const { cursor } = (await sdk.filesListFolder({ path: '' })).result
    expect((await refusal(sdk.filesListFolderContinue({ cursor: `${cursor}x` })))[0]).toBe(400)
    expect((await refusal(sdkOf(server.issueTokens({ account: 'bob' }).accessToken).filesListFolderContinue({ cursor })))[0]).toBe(400)
    server.resetCursors()
    expect(await refusal(sdk.filesListFolderContinue({ cursor }))).toEqual([409, 'reset'])
    expect(await refusal(sdk.filesListFolderLongpoll({ cursor }))).toEqual([409, 'reset'])
  })

  test('a longpoll ends when something changes there', async () => {
    const { sdk, server } = await start()
    server.put('/l/1', '1')
    const { cursor } = (await sdk.filesListFolder({ path: '/l' })).result
    let isOver = false
    const waiting = sdk.filesListFolderLongpoll({ cursor }).then(({ result }) => {
      isOver = true
      return result
    })
    while (server.counters.of('longpoll') === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    server.put('/other', 'x')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(isOver).toBe(false)
    server.put('/l/2', '2')
    expect(await waiting).toEqual({ changes: true })
    expect((await sdk.filesListFolderLongpoll({ cursor })).result).toEqual({ changes: true })
    expect((await refusal(sdk.filesListFolderLongpoll({ cursor, timeout: 29 })))[0]).toBe(400)
  })
})

describe('who calls', () => {
  const redirectUri = 'https://asheville.example/callback'
  const app = { redirectUris: [redirectUri] }
  /** As an app that has no secret; the SDK sends either that or a verifier. */
  const authOf = (server: DropboxSimulator, swapped: typeof fetch) => new DropboxAuth({ clientId: server.app.key, fetch: swapped })
  const addressOf = async (server: DropboxSimulator, auth: DropboxAuth, scope?: string[], usePkce = true) => {
    const address = new URL(String(await auth.getAuthenticationUrl(redirectUri, 'the state', 'code', 'offline', scope, 'none', usePkce)))
    return `${server.url}${address.pathname}${address.search}`
  }

  test('through the browser, with PKCE, to tokens that are refreshed and revoked', async () => {
    const { server, swapped, sdkOf } = await start({ app })
    const auth = authOf(server, swapped)
    const back = new URL(await server.authorize(await addressOf(server, auth), { account: 'bob' }))
    expect([back.origin + back.pathname, back.searchParams.get('state')]).toEqual([redirectUri, 'the state'])
    const code = back.searchParams.get('code')!
    const { result } = (await auth.getAccessTokenFromCode(redirectUri, code)) as { result: Record<string, string> }
    expect(result).toMatchObject({
      token_type: 'bearer',
      expires_in: 14_400,
      account_id: server.account('bob').id,
      uid: server.account('bob').uid,
    })
    expect(result.account_id).toHaveLength(40)
    expect((await refusal(auth.getAccessTokenFromCode(redirectUri, code)))[0]).toBe(400)
    auth.setAccessToken(result.access_token!)
    auth.setRefreshToken(result.refresh_token!)
    auth.setAccessTokenExpiresAt(new Date(Date.now() + 3_600_000))
    const sdk = new Dropbox({ auth, fetch: swapped })
    expect((await sdk.usersGetCurrentAccount()).result).toMatchObject({ email: 'bob@example.com', name: { display_name: 'Bob Example' } })
    server.expireTokens()
    expect(await refusal(sdk.usersGetCurrentAccount())).toEqual([401, 'expired_access_token'])
    auth.setAccessTokenExpiresAt(new Date(0))
    expect((await sdk.checkUser({ query: 'hello' })).result).toEqual({ result: 'hello' })
    expect(server.counters.snapshot().other).toMatchObject({ refreshes: 1, codeReuse: 1 })
    const token = auth.getAccessToken()
    await sdk.authTokenRevoke()
    expect(await refusal(sdkOf(token).usersGetCurrentAccount())).toEqual([401, 'invalid_access_token'])
    auth.setAccessTokenExpiresAt(new Date(0))
    expect((await refusal(sdk.usersGetCurrentAccount()))[0]).toBe(400)
    expect(JSON.stringify(server.log.entries())).not.toContain(result.refresh_token)
  })

  test('the token endpoint takes the secret in the body or by Basic, and nothing that does not fit', async () => {
    const { server } = await start({ app })
    const verifier = 'v'.repeat(50)
    const query = {
      response_type: 'code',
      client_id: server.app.key,
      redirect_uri: redirectUri,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      scope: 'account_info.read files.content.read',
    }
    const address = `${server.url}/oauth2/authorize?${new URLSearchParams(query)}`
    const codeOf = async () => new URL(await server.authorize(address)).searchParams.get('code')!
    const ask = async (fields: Record<string, string>, headers: Record<string, string> = {}) => {
      const response = await fetch(`${server.url}/oauth2/token`, { method: 'POST', body: new URLSearchParams(fields), headers })
      return { status: response.status, ...((await response.json()) as Record<string, string>) }
    }
    const client = { client_id: server.app.key, client_secret: server.app.secret }
    const good = { grant_type: 'authorization_code', redirect_uri: redirectUri, code_verifier: verifier, code: await codeOf() }
    expect(await ask({ ...good, ...client, code_verifier: 'wrong' })).toMatchObject({ status: 400, error: 'invalid_grant' })
    expect(await ask({ ...good, ...client, redirect_uri: `${redirectUri}/x` })).toMatchObject({ status: 400, error: 'invalid_grant' })
    expect(await ask({ ...good, ...client, client_secret: 'wrong' })).toMatchObject({ status: 401, error: 'invalid_client' })
    expect(await ask({ ...good, ...client, grant_type: 'password' })).toMatchObject({ status: 400, error: 'unsupported_grant_type' })
    const basic = { authorization: `Basic ${Buffer.from(`${server.app.key}:${server.app.secret}`).toString('base64')}` }
    const online = await ask(good, basic)
    expect(online).toMatchObject({ status: 200, scope: query.scope })
    expect(online).not.toHaveProperty('refresh_token')
    const { refreshToken } = server.issueTokens()
    expect(await ask({ grant_type: 'refresh_token', refresh_token: refreshToken, ...client })).toMatchObject({
      status: 200,
      token_type: 'bearer',
    })
    server.revokeTokens('alice')
    expect(await ask({ grant_type: 'refresh_token', refresh_token: refreshToken, ...client })).toMatchObject({
      status: 400,
      error: 'invalid_grant',
    })
    server.setAppKnown(false)
    expect(await ask({ grant_type: 'refresh_token', refresh_token: refreshToken, ...client })).toMatchObject({ error: 'invalid_client' })
  })

  test('the page refuses unknown apps, addresses and scopes; a person may say no or mistype', async () => {
    const { server, swapped } = await start({ app })
    const auth = authOf(server, swapped)
    const address = await addressOf(server, auth, ['files.metadata.read'])
    const changed = (name: string, value: string) => {
      const url = new URL(address)
      url.searchParams.set(name, value)
      return url.href
    }
    await expect(server.authorize(changed('redirect_uri', 'https://evil.example/'))).rejects.toThrow('redirect_uri')
    await expect(server.authorize(changed('client_id', 'other'))).rejects.toThrow('client_id')
    await expect(server.authorize(changed('scope', 'team_info.read'))).rejects.toThrow('scopes')
    expect(new URL(await server.authorize(address, { deny: true })).searchParams.get('error')).toBe('access_denied')
    const page = await (await fetch(address)).text()
    const fields = [...page.matchAll(/name="(\w+)"[^>]*? value="([^"]*)"/g)].map(([, name, value]) => [
      name!,
      value!.replaceAll('&amp;', '&'),
    ])
    const form = new URLSearchParams(fields)
    form.set('decision', 'allow')
    const send = () => fetch(`${server.url}/oauth2/authorize`, { method: 'POST', body: form, redirect: 'manual' })
    expect((await send()).headers.get('location')).toMatch(/^https:\/\/asheville\.example\/callback\?code=.+&state=the\+state$/)
    form.set('password', 'wrong')
    expect([(await send()).status, await (await send()).text()]).toEqual([403, expect.stringContaining('Invalid email or password')])
  })

  test('scopes, and tokens that are no tokens', async () => {
    const { server, sdkOf, post, rpc } = await start()
    const reader = sdkOf(server.issueTokens({ scopes: ['files.metadata.read'] }).accessToken)
    expect((await reader.filesListFolder({ path: '' })).result.entries).toEqual([])
    const error = await reader.filesUpload({ path: '/a', contents: '' }).catch((thrown: unknown) => thrown as DropboxResponseError<unknown>)
    expect([(error as DropboxResponseError<unknown>).status, (error as DropboxResponseError<unknown>).error]).toEqual([
      401,
      { error_summary: 'missing_scope/..', error: { '.tag': 'missing_scope', required_scope: 'files.content.write' } },
    ])
    expect(await refusal(sdkOf('sl.unknown-but-well-formed').usersGetCurrentAccount())).toEqual([401, 'invalid_access_token'])
    expect((await rpc('users/get_current_account', null, 'short')).text).toContain('malformed')
    const anonymous = await post('users/get_current_account', {}, null)
    expect([anonymous.status, anonymous.text]).toEqual([400, expect.stringContaining('Must provide HTTP header "Authorization"')])
  })
})

describe('calls that are malformed', () => {
  test.each<[path: string, body: string, message: string]>([
    ['files/get_metadata', '{', 'request body: could not decode input as JSON'],
    ['files/get_metadata', '{}', "request body: missing required field 'path'"],
    ['files/get_metadata', '{"path":"/a","foo":1}', "request body: unknown field 'foo'"],
    ['files/get_metadata', '{"path":3}', 'request body: path: expected string, got integer'],
    ['files/get_metadata', '{"path":"a"}', "request body: path: 'a' did not match pattern"],
    ['files/list_folder', '{"path":"/"}', 'Specify the root folder as an empty string'],
    ['files/list_folder', '{"path":"","limit":2001}', 'limit: 2001 is not at most 2000'],
    ['files/list_folder', '{"path":"","recursive":"yes"}', 'recursive: expected boolean, got string'],
    ['files/delete_v2', '{"path":"/a","parent_rev":"xyz"}', 'parent_rev:'],
    ['users/get_space_usage', '{}', 'expected null'],
  ])('%s %s', async (path, body, message) => {
    const { post } = await start()
    const answer = await post(path, { body, headers: { 'content-type': 'application/json' } })
    expect([answer.status, answer.headers.get('content-type')]).toEqual([400, 'text/plain; charset=utf-8'])
    expect(answer.text).toContain(`Error in call to API function "${path}": `)
    expect(answer.text).toContain(message)
  })

  test('the argument in the header, and types of content', async () => {
    const { post, server } = await start()
    const upload = (arg: string | null, type = 'application/octet-stream') =>
      post('files/upload', { body: 'x', headers: { 'content-type': type, ...(arg !== null && { 'dropbox-api-arg': arg }) } })
    expect((await upload(null)).text).toContain('Must provide HTTP header "Dropbox-API-Arg"')
    expect((await upload('{"path":"/\u00e4"}')).text).toContain('could not decode input as JSON')
    expect((await upload('{"path":"/\\u00e4","mode":{".tag":"replace"}}')).text).toContain("mode: unknown tag 'replace'")
    expect((await upload('{"path":"/\\u00e4","client_modified":"2020-01-01"}')).text).toContain('does not match format')
    expect((await upload('{"path":"/\\u00e4"}', 'application/json')).text).toContain('Bad HTTP "Content-Type" header')
    expect((await upload('{"path":"/\\u00e4"}')).status).toBe(200)
    expect(server.truth().alice!.files[0]!.path).toBe('/\u00e4')
    expect((await post('files/list_folder', { body: '{"path":""}' })).text).toContain('Bad HTTP "Content-Type" header')
    expect((await post('files/no_such', {})).status).toBe(404)
    const rooted = (root: object) => post('users/get_current_account', { headers: { 'dropbox-api-path-root': JSON.stringify(root) } })
    expect((await rooted({ '.tag': 'namespace_id', namespace_id: '1' })).status).toBe(422)
    expect((await rooted({ '.tag': 'root', root: server.account().rootNamespace })).status).toBe(200)
  })
})

describe('when Dropbox has enough', () => {
  test('rate limits: planned and counted, in the shape of Dropbox', async () => {
    const { server, sdk, post } = await start({ rateLimit: { requests: 2, windowMs: 3_600_000 } })
    await sdk.usersGetSpaceUsage()
    await sdk.usersGetSpaceUsage()
    const limited = await post('users/get_space_usage')
    expect([limited.status, Number(limited.headers.get('retry-after')) > 0]).toEqual([429, true])
    expect(JSON.parse(limited.text)).toMatchObject({
      error_summary: 'too_many_requests/..',
      error: { reason: { '.tag': 'too_many_requests' } },
    })
    server.setRateLimit(null)
    server.faults.add({ kind: 'rate-limited', retryAfterSeconds: 7, route: '/2/files/*', next: 1 })
    const upload = {
      body: Buffer.alloc(300_000),
      headers: { 'dropbox-api-arg': '{"path":"/x"}', 'content-type': 'application/octet-stream' },
    }
    const planned = await post('files/upload', upload)
    expect([planned.status, planned.headers.get('retry-after')]).toEqual([429, '7'])
    expect(server.truth().alice!.files).toEqual([])
    const { result } = await sdk.filesUpload({ path: '/x', contents: 'x' })
    expect(result.size).toBe(1)
    server.faults.add({ kind: 'token-revoked', next: 1 })
    expect(await refusal(sdk.usersGetSpaceUsage())).toEqual([401, 'invalid_access_token'])
  })

  test('an answer that is lost was carried out; a body that breaks off was not', async () => {
    const { server, sdk, post } = await start()
    server.faults.add({ kind: 'reply-lost', route: '/2/files/upload', next: 1 })
    await expect(sdk.filesUpload({ path: '/lost', contents: 'x' })).rejects.toThrow()
    const broken = new ReadableStream({
      start(to) {
        to.enqueue(Buffer.alloc(1000))
        setTimeout(() => to.error(new Error('gone')), 50)
      },
    })
    const headers = { 'dropbox-api-arg': '{"path":"/broken"}', 'content-type': 'application/octet-stream' }
    await expect(post('files/upload', { body: broken, headers, duplex: 'half' } as RequestInit)).rejects.toThrow()
    await sdk.filesUpload({ path: '/whole', contents: 'x' })
    expect(server.truth().alice!.files.map(({ path }) => path)).toEqual(['/lost', '/whole'])
    const counts = server.counters.snapshot()
    expect(counts.routes['POST /2/files/upload']).toBe(3)
    expect(counts.callers.alice!.concurrentMax).toBeGreaterThan(0)
  })

  test('tokens that expire by the clock', async () => {
    let time = Date.parse('2026-01-01T00:00:00Z')
    const { sdk } = await start({ now: () => time, tokenSeconds: 60 })
    await sdk.usersGetCurrentAccount()
    time += 60_000
    expect(await refusal(sdk.usersGetCurrentAccount())).toEqual([401, 'expired_access_token'])
  })
})

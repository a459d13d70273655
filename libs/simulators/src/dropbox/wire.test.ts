import { createHash, randomBytes } from 'node:crypto'
import { afterEach, describe, expect, test } from '@jest/globals'
import { startDropbox, type DropboxOptions, type DropboxSimulator } from './index.ts'

// What goes over the wire, byte by byte as the documentation has it: no SDK that makes up for anything in between.

const open: DropboxSimulator[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((simulator) => simulator.close()))
})

interface Reply {
  status: number
  headers: Headers
  body: unknown
}

async function start(options: DropboxOptions = {}) {
  const server = await startDropbox({ seed: 9, commitMs: 0, ...options })
  open.push(server)
  const authorization = `Bearer ${server.issueTokens().accessToken}`
  const send = async (path: string, init: RequestInit): Promise<Reply> => {
    const response = await fetch(`${server.url}${path}`, { method: 'POST', ...init })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') ?? false
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
  }
  const json = { 'content-type': 'application/json' }
  const rpc = (name: string, arg: unknown) =>
    send(`/2/${name}`, {
      headers: arg === null ? { authorization } : { authorization, ...json },
      ...(arg !== null && { body: JSON.stringify(arg) }),
    })
  const upload = (name: string, arg: unknown, content: string) =>
    send(`/2/${name}`, {
      headers: { authorization, 'content-type': 'application/octet-stream', 'dropbox-api-arg': JSON.stringify(arg) },
      body: content,
    })
  const poll = (arg: unknown, headers: Record<string, string> = {}, signal?: AbortSignal) =>
    send('/2/files/list_folder/longpoll', { headers: { ...json, ...headers }, body: JSON.stringify(arg), ...(signal && { signal }) })
  return { server, authorization, send, rpc, upload, poll }
}

const error = (body: unknown) => (body as { error: unknown }).error
const text = (body: unknown, name: string) => (body as Record<string, string>)[name]!
const hashOf = (content: string) => createHash('sha256').update(createHash('sha256').update(content).digest()).digest('hex')

describe('the wire of Dropbox', () => {
  test('files: up, down, asked about, moved, copied, deleted', async () => {
    const { send, rpc, upload, authorization } = await start()
    const stored = await upload('files/upload', { path: '/Notes/One.txt', mode: 'add', content_hash: hashOf('one') }, 'one')
    expect(stored).toMatchObject({
      status: 200,
      body: { name: 'One.txt', path_lower: '/notes/one.txt', path_display: '/Notes/One.txt', size: 3, content_hash: hashOf('one') },
    })
    const arg = JSON.stringify({ path: '/notes/ONE.TXT' })
    const got = await send('/2/files/download', { headers: { authorization, 'dropbox-api-arg': arg } })
    expect([got.status, got.body, got.headers.get('content-length')]).toEqual([200, 'one', '3'])
    expect(JSON.parse(got.headers.get('dropbox-api-result')!)).toEqual(stored.body)
    const part = await send('/2/files/download', { headers: { authorization, 'dropbox-api-arg': arg, range: 'bytes=1-1' } })
    expect([part.status, part.body, part.headers.get('content-range')]).toEqual([206, 'n', 'bytes 1-1/3'])
    expect((await rpc('files/get_metadata', { path: '/Notes' })).body).toMatchObject({ '.tag': 'folder', name: 'Notes' })
    expect((await rpc('files/copy_v2', { from_path: '/Notes/One.txt', to_path: '/Two.txt' })).body).toMatchObject({
      metadata: { '.tag': 'file', path_lower: '/two.txt' },
    })
    expect((await rpc('files/move_v2', { from_path: '/Two.txt', to_path: '/Three.txt' })).status).toBe(200)
    expect((await rpc('files/create_folder_v2', { path: '/Empty' })).body).toMatchObject({ metadata: { name: 'Empty' } })
    expect((await rpc('files/delete_v2', { path: '/Three.txt' })).body).toMatchObject({ metadata: { '.tag': 'file', name: 'Three.txt' } })
    const absent = await rpc('files/get_metadata', { path: '/Three.txt' })
    expect(absent).toMatchObject({ status: 409, body: { error_summary: expect.stringMatching(/^path\/not_found\/\.*$/) } })
    expect(error(absent.body)).toEqual({ '.tag': 'path', path: { '.tag': 'not_found' } })
  })

  test('versions: a stale rev is a conflict, and so is a file where none must be', async () => {
    const { upload, rpc } = await start()
    const first = text((await upload('files/upload', { path: '/f' }, 'one')).body, 'rev')
    const update = { path: '/f', mode: { '.tag': 'update', update: first }, strict_conflict: true }
    expect((await upload('files/upload', update, 'two')).status).toBe(200)
    const conflict = { '.tag': 'path', reason: { '.tag': 'conflict', conflict: { '.tag': 'file' } }, upload_session_id: expect.any(String) }
    for (const arg of [update, { path: '/f', strict_conflict: true }, { path: '/F' }])
      expect(await upload('files/upload', arg, 'three')).toMatchObject({ status: 409, body: { error: conflict } })
    expect(error((await rpc('files/delete_v2', { path: '/f', parent_rev: first })).body)).toMatchObject({ '.tag': 'path_write' })
  })

  test('a content that is not what its hash says is refused, wherever one is given', async () => {
    const { upload, server } = await start()
    const arg = { content_hash: hashOf('other') }
    for (const [name, more] of [
      ['files/upload', { path: '/f' }],
      ['files/upload_session/start', {}],
      ['files/upload_session/append_v2', { cursor: { session_id: 'x', offset: 0 } }],
      ['files/upload_session/append_batch', { entries: [] }],
      ['files/upload_session/finish', { cursor: { session_id: 'x', offset: 0 }, commit: { path: '/f' } }],
    ] as const)
      expect([name, error((await upload(name, { ...more, ...arg }, 'content')).body)]).toEqual([name, { '.tag': 'content_hash_mismatch' }])
    expect(server.truth()['alice']!.files).toEqual([])
  })

  test('names: the same whatever their case, and some are none', async () => {
    const { upload, rpc, server } = await start()
    await upload('files/upload', { path: '/Posts/A.json' }, 'one')
    await upload('files/upload', { path: '/posts/a.JSON', mode: 'overwrite' }, 'two')
    expect(server.truth()['alice']!.files.map(({ path }) => path)).toEqual(['/Posts/A.json'])
    expect((await rpc('files/get_metadata', { path: '/POSTS/A.JSON' })).body).toMatchObject({ path_display: '/Posts/A.json', size: 3 })
    for (const [path, tag] of [
      ['/desktop.ini', 'disallowed_name'],
      ['/a/Thumbs.db', 'disallowed_name'],
      ['/~$x.docx', 'disallowed_name'],
      ['/end ', 'malformed_path'],
      ['/back\\slash', 'malformed_path'],
    ] as const)
      expect([path, error((await upload('files/upload', { path }, 'x')).body)]).toMatchObject([path, { reason: { '.tag': tag } }])
  })

  test('the lock: two commits at once, and one of them is told to wait', async () => {
    const { upload, server } = await start({ commitMs: 200 })
    const replies = await Promise.all(['/a', '/b'].map((path) => upload('files/upload', { path }, path)))
    const [refused] = replies.filter(({ status }) => status !== 200)
    expect(refused).toMatchObject({
      status: 429,
      body: { error: { reason: { '.tag': 'too_many_write_operations' }, retry_after: 1 } },
    })
    expect(refused?.headers.get('retry-after')).toBe('1')
    expect(server.truth()['alice']!.files).toHaveLength(1)
  })

  test('sessions: begun, filled at the offset where they are, committed', async () => {
    const { upload, server } = await start()
    const session_id = text((await upload('files/upload_session/start', {}, 'abc')).body, 'session_id')
    const append = (offset: number, content: string, close = false) =>
      upload('files/upload_session/append_v2', { cursor: { session_id, offset }, close }, content)
    expect(await append(3, 'def')).toMatchObject({ status: 200, body: null })
    // Sent once more, because its answer was lost.
    expect(await append(3, 'def')).toMatchObject({ status: 409, body: { error: { '.tag': 'incorrect_offset', correct_offset: 6 } } })
    await append(6, '', true)
    const finish = { cursor: { session_id, offset: 6 }, commit: { path: '/s.txt' } }
    expect((await upload('files/upload_session/finish', finish, '')).body).toMatchObject({ path_display: '/s.txt', size: 6 })
    expect(server.read('/s.txt').toString()).toBe('abcdef')
  })

  test('batches: three calls for many files, or a job that is asked about until it is done', async () => {
    const { rpc, upload } = await start({ jobMs: 50 })
    const begin = async (contents: string[]) => {
      const begun = await rpc('files/upload_session/start_batch', { num_sessions: contents.length })
      const { session_ids } = begun.body as { session_ids: string[] }
      const entries = contents.map((content, at) => ({
        cursor: { session_id: session_ids[at], offset: 0 },
        length: content.length,
        close: true,
      }))
      const sent = await upload('files/upload_session/append_batch', { entries }, contents.join(''))
      expect(sent.body).toEqual({ entries: contents.map(() => ({ '.tag': 'success' })) })
      return session_ids
    }
    const contents = ['first', 'second', '']
    const commits = (ids: string[], prefix: string) => ({
      entries: ids.map((session_id, at) => ({
        cursor: { session_id, offset: contents[at]!.length },
        commit: { path: `/${prefix}${at}` },
      })),
    })
    expect((await rpc('files/upload_session/finish_batch_v2', commits(await begin(contents), 'now'))).body).toMatchObject({
      entries: contents.map((content, at) => ({ '.tag': 'success', path_display: `/now${at}`, size: content.length })),
    })
    const job = await rpc('files/upload_session/finish_batch', commits(await begin(contents), 'later'))
    expect(job.body).toMatchObject({ '.tag': 'async_job_id' })
    const check = () => rpc('files/upload_session/finish_batch/check', { async_job_id: text(job.body, 'async_job_id') })
    let state = await check()
    expect(state.body).toEqual({ '.tag': 'in_progress' })
    while (text(state.body, '.tag') === 'in_progress') state = await check()
    expect(state.body).toMatchObject({ '.tag': 'complete', entries: [{ path_display: '/later0' }, {}, {}] })
  })

  test('listing: page by page, then what changed, and a cursor that was reset', async () => {
    const { server, rpc } = await start()
    for (const path of ['/p/1', '/p/2', '/p/3']) server.put(path, path)
    const page = await rpc('files/list_folder', { path: '/p', limit: 2 })
    expect(page.body).toMatchObject({ has_more: true, entries: [{ '.tag': 'file', name: '1' }, { name: '2' }] })
    const rest = await rpc('files/list_folder/continue', { cursor: text(page.body, 'cursor') })
    expect(rest.body).toMatchObject({ has_more: false, entries: [{ name: '3' }] })
    server.remove('/p/1')
    const news = await rpc('files/list_folder/continue', { cursor: text(rest.body, 'cursor') })
    expect(news.body).toMatchObject({ has_more: false, entries: [{ '.tag': 'deleted', path_display: '/p/1' }] })
    server.resetCursors()
    const reset = await rpc('files/list_folder/continue', { cursor: text(news.body, 'cursor') })
    expect([reset.status, error(reset.body)]).toEqual([409, { '.tag': 'reset' }])
    const latest = await rpc('files/list_folder/get_latest_cursor', { path: '', recursive: true })
    expect((await rpc('files/list_folder/continue', { cursor: text(latest.body, 'cursor') })).body).toMatchObject({ entries: [] })
  })

  test('longpoll: waits, without a token, and says when to come again', async () => {
    const { server, rpc, poll, authorization } = await start({ longpollMs: 100 })
    const latest = async () => text((await rpc('files/list_folder/get_latest_cursor', { path: '', recursive: true })).body, 'cursor')
    const cursor = await latest()
    const signed = await poll({ cursor }, { authorization })
    expect([signed.status, signed.body]).toEqual([400, expect.stringContaining('Authorization')])
    expect(await poll({ cursor, timeout: 481 })).toMatchObject({ status: 400 })
    expect(await poll({ cursor: 'none' })).toMatchObject({ status: 400, body: expect.stringContaining('Invalid "cursor"') })
    expect((await poll({ cursor })).body).toEqual({ changes: false })
    const waiting = poll({ cursor, timeout: 480 })
    server.put('/new', 'x')
    expect((await waiting).body).toEqual({ changes: true })
    server.setBackoff(60)
    expect((await poll({ cursor: await latest() })).body).toEqual({ changes: false, backoff: 60 })
    expect(server.counters.snapshot().other).not.toHaveProperty('longpollsBeforeBackoff')
    expect((await poll({ cursor })).body).toEqual({ changes: true, backoff: 60 })
    expect(server.counters.snapshot().other).toMatchObject({ longpollsBeforeBackoff: 1 })
    server.resetCursors()
    expect(await poll({ cursor })).toMatchObject({ status: 409, body: { error: { '.tag': 'reset' } } })
  })

  test('who somebody is, and how much room they have', async () => {
    const { rpc, server } = await start({ quotaBytes: 1000 })
    server.put('/f', randomBytes(10))
    expect((await rpc('users/get_current_account', null)).body).toMatchObject({
      account_id: server.account().id,
      email: 'alice@example.com',
    })
    expect((await rpc('users/get_space_usage', null)).body).toEqual({ used: 10, allocation: { '.tag': 'individual', allocated: 1000 } })
    expect((await rpc('check/user', { query: 'anyone?' })).body).toEqual({ result: 'anyone?' })
  })

  test('access: a code for tokens, refreshed in the body, and given back', async () => {
    const redirect_uri = 'https://asheville.example/sign-in/dropbox/callback'
    const { server, send } = await start({ app: { redirectUris: [redirect_uri] } })
    const code_verifier = randomBytes(40).toString('base64url')
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: server.app.key,
      redirect_uri,
      state: 'a state',
      token_access_type: 'offline',
      code_challenge: createHash('sha256').update(code_verifier).digest('base64url'),
      code_challenge_method: 'S256',
    })
    const back = new URL(await server.authorize(`${server.url}/oauth2/authorize?${query}`))
    expect(back.searchParams.get('state')).toBe('a state')
    const client = { client_id: server.app.key, client_secret: server.app.secret }
    const token = (fields: Record<string, string>) => send('/oauth2/token', { body: new URLSearchParams({ ...fields, ...client }) })
    const code = back.searchParams.get('code')!
    const granted = await token({ grant_type: 'authorization_code', code, redirect_uri, code_verifier })
    expect(granted).toMatchObject({ status: 200, body: { token_type: 'bearer', expires_in: 14_400, account_id: server.account().id } })
    expect(await token({ grant_type: 'authorization_code', code, redirect_uri, code_verifier })).toMatchObject({ status: 400 })
    const refresh = () => token({ grant_type: 'refresh_token', refresh_token: text(granted.body, 'refresh_token') })
    const refreshed = await refresh()
    expect(refreshed).toMatchObject({ status: 200, body: { token_type: 'bearer', expires_in: 14_400 } })
    const authorization = `Bearer ${text(refreshed.body, 'access_token')}`
    const revoke = () => send('/2/auth/token/revoke', { headers: { authorization } })
    expect(await revoke()).toMatchObject({ status: 200, body: null })
    expect(await revoke()).toMatchObject({ status: 401, body: { error: { '.tag': 'invalid_access_token' } } })
    // The grant is gone: what was issued before, and what would be issued next.
    const earlier = { authorization: `Bearer ${text(granted.body, 'access_token')}` }
    expect(await send('/2/users/get_current_account', { headers: earlier })).toMatchObject({ status: 401 })
    expect(await refresh()).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })
})

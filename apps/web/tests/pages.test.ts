import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { afterEach, describe, expect, test } from '@jest/globals'
import type { Standing, TypeStatus } from '@asheville/clients'
import { AshevilleError, type Webhook } from '@asheville/core'
import {
  accountsOf,
  ann,
  connectionOf,
  itemOf,
  networkStatusOf,
  type Script,
  statusOf,
  streamOf,
  syncOf,
  typeStatusOf,
} from './scripted-services.ts'
import { sampleNetworks } from './sample-networks.ts'
import { startSite, type TestSite } from './start-site.ts'
import { createVisitor } from './visitor.ts'

const token = 'a-session-token-of-forty-characters-here'
let site: TestSite | undefined
let silent: Server | undefined

afterEach(async () => {
  silent?.closeAllConnections()
  silent?.close()
  await site?.close()
  site = undefined
  silent = undefined
})

const mastodon = connectionOf({ provider: 'mastodon' })

function script(): Script {
  return {
    accounts: accountsOf(ann, token, [mastodon]),
    conductor: { getStatus: statusOf([]) },
    platform: {
      listItems: async () => ({ items: [], next: null }),
      getCounts: async () => ({ counts: [], media: [] }),
      getCalendar: async () => ({ dates: [] }),
    },
  }
}

async function start(given: Script = script(), options: Parameters<typeof startSite>[2] = {}) {
  site = await startSite(given, sampleNetworks, options)
  return createVisitor(site.url, { asheville: token })
}

async function timed(work: () => Promise<Response>): Promise<{ status: number; page: string; ms: number }> {
  const started = performance.now()
  const response = await work()
  return { status: response.status, page: await response.text(), ms: performance.now() - started }
}

/** A port that takes connections and never answers. */
async function silentUrl(): Promise<string> {
  silent = createServer(() => undefined)
  await new Promise<void>((resolve) => silent?.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
}

describe('with every other service away', () => {
  test.each(['gone', 'silent'])('%s: the home page answers, the others say so within two seconds', async (kind) => {
    const url = kind === 'gone' ? 'http://127.0.0.1:9' : await silentUrl()
    const visitor = await start(script(), { urls: { accounts: url, conductor: url, platform: url } })
    const home = await timed(() => visitor.get('/'))
    expect([home.status, home.ms < 2000]).toEqual([200, true])
    expect(home.page).toContain('Keep what you share')
    expect(home.page).not.toContain('class="totals"')
    for (const path of ['/status', '/browse', '/connect', '/settings', '/items/x', '/events', '/files/media/x.png']) {
      const answer = await timed(() => visitor.get(path))
      expect([path, answer.status, answer.ms < 2300]).toEqual([path, 503, true])
    }
    const signIn = await timed(() => createVisitor(site?.url ?? '').get('/sign-in'))
    expect([signIn.status, signIn.page.includes('not possible right now')]).toEqual([503, true])
    expect((await fetch(`${site?.url}/livez`)).status).toBe(200)
    expect((await fetch(`${site?.url}/readyz`)).status).toBe(503)
  })

  test('platform alone: the status page says what is not known, never that nothing is stored', async () => {
    const given = script()
    given.conductor.getStatus = async () => ({
      networks: [networkStatusOf(mastodon, { types: [typeStatusOf('posts', { stored: null })] })],
      syncs: [],
      media: null,
    })
    given.platform.listItems = () => Promise.reject(new AshevilleError('unavailable', 'away'))
    const page = await (await (await start(given)).get('/status')).text()
    expect(page).toContain('not known just now')
    expect(page).not.toMatch(/<b>0<\/b>/)
  })
})

describe('a network that the operator has not set up', () => {
  test('says what is to be set, and where that is explained, on every way to it', async () => {
    const given = script()
    given.accounts.listProviders = async () => ({
      providers: [
        { id: 'harbour', kind: 'network', isReady: false, canSignIn: false, asks: [] },
        { id: 'dropbox', kind: 'storage', isReady: false, canSignIn: false, asks: [] },
      ],
    })
    given.accounts.beginConnect = () => Promise.reject(new AshevilleError('invalid', 'Harbour is not set up on this server yet'))
    const connection = connectionOf({ provider: 'harbour', state: 'reconnect' })
    given.accounts.getConnection = async () => connection
    const visitor = await start(given)
    expect(await (await visitor.get('/connect')).text()).toMatch(/href="\/connect\/harbour"[^]*Not set up on this server/)
    for (const path of ['/connect/harbour', `/connect/harbour?reconnects=${connection.id}`]) {
      const answer = await visitor.get(path)
      const page = await answer.text()
      expect([path, answer.status]).toEqual([path, 200])
      expect(page).toContain('Harbour is not set up on this server yet.')
      for (const name of ['HARBOUR_CLIENT_ID', 'HARBOUR_CLIENT_SECRET', 'libs/networks/src/harbour/README.md'])
        expect(page).toContain(`<code>${name}</code>`)
      expect(page).not.toContain('action="/connect/harbour"')
    }
    expect(await (await visitor.get('/connect/dropbox')).text()).toContain('<code>libs/storages/src/dropbox/README.md</code>')
    // From a page that was shown while it was set up.
    const late = await visitor.submit('/connect/mastodon', '/connect/harbour', {})
    expect(late.status).toBe(422)
    expect(await late.text()).toContain('HARBOUR_CLIENT_ID')
  })
})

describe('the status page', () => {
  test('says in words where every kind of content stands', async () => {
    const until = '2026-11-20T14:32:00.000Z'
    const bluesky = connectionOf({
      provider: 'bluesky',
      handle: 'ann.example',
      state: 'reconnect',
      stateReason: 'The app password was revoked.',
    })
    const given = script()
    given.conductor.getStatus = async () => ({
      networks: [
        networkStatusOf(mastodon, {
          word: 'syncing',
          isComplete: false,
          streams: [
            streamOf(mastodon.id, 'statuses', {
              tally: { new: 5, changed: 0, unchanged: 0, gone: 0, skipped: 2 },
              skipped: [{ id: null, reason: 'It has no <b>date</b>' }],
            }),
          ],
          types: [
            typeStatusOf('posts', {
              word: 'syncing',
              isComplete: false,
              itemsPerMinute: 1200,
              secondsLeft: 150,
              stored: 400,
              available: 1000,
              oldest: '2020-01-05T00:00:00.000Z',
              newest: '2026-01-05T00:00:00.000Z',
            }),
            typeStatusOf('photos', {
              stored: 40,
              oldest: '2014-03-05T00:00:00.000Z',
              newest: '2026-01-05T00:00:00.000Z',
              oldestAvailable: '2019-07-05T00:00:00.000Z',
              newestAvailable: '2026-01-05T00:00:00.000Z',
            }),
            typeStatusOf('likes', { word: 'waiting', waitsFor: 'example.social', until, reason: 'asked to wait' }),
          ],
        }),
        networkStatusOf(bluesky, { word: 'action-required', action: 'reconnect', reason: 'The app password was revoked.' }),
      ],
      syncs: [syncOf({ state: 'running', finishedAt: null })],
      media: [],
    })
    const page = await (await (await start(given)).get('/status')).text()
    expect(page).toContain('Copying from one network')
    expect(page).toContain('<progress value="400" max="1000"')
    expect(page).toMatch(/Waiting for example\.social until <time datetime="2026-11-20T14:32:00\.000Z"/)
    expect(page).toMatch(
      /Mastodon has <time datetime="2019-07-05[^>]*>July 2019<\/time> – <time datetime="2026-01-05[^>]*>January 2026<\/time>/,
    )
    expect(page).toContain('1,200 a minute · about 3 minutes left')
    expect(page).toContain('Reconnect Bluesky')
    expect(page).toContain('The app password was revoked.')
    expect(page).toContain(`/connect/bluesky?reconnects=${bluesky.id}`)
    expect(page).toContain('2 items could not be copied')
    expect(page).toContain('It has no &lt;b&gt;date&lt;/b&gt;')
    expect(page).toMatch(/<noscript><meta http-equiv="refresh"/)
    expect(page).toMatch(/action="\/syncs\/[0-9a-f-]{36}\/cancel"/)
    expect(page).toContain(`action="/connections/${mastodon.id}/cancel"`)
    expect(page).not.toContain(`action="/connections/${bluesky.id}/cancel"`)
    const fragment = await (await createVisitor(site?.url ?? '', { asheville: token }).get('/status/live')).text()
    expect(fragment).not.toContain('<html')
  })

  test('is told as it is now when it is opened, and as it just was when its middle comes again', async () => {
    const given = script()
    const wanted: (string | undefined)[] = []
    given.conductor.getStatus = async ({ request }) => {
      wanted.push(request.get('cache-control'))
      return { networks: [networkStatusOf(mastodon)], syncs: [], media: [] }
    }
    const visitor = await start(given)
    for (const path of ['/status', '/status/live']) expect((await visitor.get(path)).status).toBe(200)
    expect(wanted).toEqual(['no-cache', undefined])
  })

  describe('where the person did not allow all', () => {
    const withheld = { word: 'action-required', action: 'allow' } as const
    const show = async (declined: TypeStatus['contentType'][], part: Parameters<typeof networkStatusOf>[1] = {}) => {
      const connection = connectionOf({ provider: 'harbour', handle: '@ann', declined })
      const types = (['posts', 'likes', 'events'] as const).map((type) =>
        typeStatusOf(type, { stored: type === 'events' ? 0 : 12, ...(declined.includes(type) && withheld) }),
      )
      const given = script()
      given.accounts.getConnection = async () => connection
      given.conductor.getStatus = statusOf([networkStatusOf(connection, { types, ...part })])
      const visitor = await start(given)
      const page = await (await visitor.get('/status')).text()
      return { connection, page: page.slice(page.indexOf('id="live"')), visitor }
    }
    test('such content types say so, with a way to allow it', async () => {
      const { connection, page } = await show(['likes'])
      expect(page).toContain('Everything is up to date')
      expect(page.match(/Not allowed/g)).toHaveLength(1)
      expect(page).toContain('<b>12</b>')
      expect(page).toContain('What you did not allow at Harbour is not copied.')
      expect(page).toContain(`href="/connect/harbour?reconnects=${connection.id}"`)
      expect(page).toContain('Sync now: Harbour, @ann')
    })

    test('what this server does not ask for cannot be allowed by anybody else', async () => {
      const { page } = await show(['events'])
      expect(page.match(/Not asked for/g)).toHaveLength(1)
      expect(page).toContain('is up to whoever looks after it')
      expect(page).not.toContain('Allow it')
    })

    test('all of it: the connection is there, says so, and has nothing to sync', async () => {
      const { connection, page } = await show(['posts', 'likes', 'events'], withheld)
      expect(page).toContain('Nothing is copied, as nothing was allowed')
      expect(page).toContain('Nothing allowed')
      expect(page).toContain(`href="/connect/harbour?reconnects=${connection.id}"`)
      expect(page).not.toContain('Sync now')
      expect(page).toContain(`/connections/${connection.id}/disconnect`)
    })

    test('the way to allow it says what to do there', async () => {
      const { connection, visitor } = await show(['likes'])
      const page = await (await visitor.get(`/connect/harbour?reconnects=${connection.id}`)).text()
      expect(page).toContain('Allow more at Harbour')
      expect(page).toContain('Leave everything ticked there that is to be copied from @ann.')
      expect(page).toContain(`name="reconnects" value="${connection.id}"`)
    })
  })

  test('what a network does not give is said at its content type, and before it is connected', async () => {
    const connection = connectionOf({ provider: 'harbour', declined: ['likes'] })
    const given = script()
    const types = [typeStatusOf('posts'), typeStatusOf('likes', { word: 'action-required', action: 'allow' })]
    given.conductor.getStatus = statusOf([networkStatusOf(connection, { types })])
    const visitor = await start(given)
    const status = await (await visitor.get('/status')).text()
    expect(status).toContain('Harbour gives the newest 100 posts only.')
    // Of what is not copied at all it is not the reason.
    expect(status).not.toContain('newest 50 likes')
    const connect = await (await visitor.get('/connect/harbour')).text()
    expect(connect).toContain('What Harbour does not give')
    expect(connect).toContain('Harbour gives the newest 100 posts only.')
    expect(connect).toContain('Harbour gives the newest 50 likes only.')
    expect(await (await visitor.get('/connect/mastodon')).text()).not.toContain('does not give')
  })

  const until = '2026-11-20T14:32:00.000Z'

  test.each<[string, Partial<Standing>, string, string]>([
    ['a limit', { word: 'waiting', waitsFor: 'X', until }, 'Waiting for one network', 'Waiting for X until <time'],
    ['a limit of unknown length', { word: 'waiting', waitsFor: 'X' }, 'Waiting for one network', 'Waiting for X'],
    ['a network that is away', { word: 'retrying', until }, 'Waiting for one network', 'Trying again at <time'],
    ['a network that was away', { word: 'retrying' }, 'Waiting for one network', 'Trying again soon'],
    ['what was cancelled', { word: 'queued', until, isComplete: false }, 'Not everything is copied yet', 'Goes on at <time'],
    ['what is about to begin', { word: 'queued', isComplete: false }, 'Copying from one network', 'Starting soon'],
    ['what should have begun', { word: 'late' }, 'A sync is late', 'Late'],
    ['what is up to date', { word: 'on-time' }, 'Everything is up to date', 'Up to date'],
    ['what is over', { word: 'done' }, 'Everything is up to date', 'Finished'],
    ['what is paused', { word: 'paused' }, 'Everything is paused', 'Paused'],
    ['what the person has to mend', { word: 'action-required', reason: 'It is gone' }, 'Mastodon needs you', 'Needs you'],
  ])('the headline and the network’s word tell of %s', async (_, standing, headline, badge) => {
    const given = script()
    const isRunning = headline.startsWith('Waiting')
    given.conductor.getStatus = statusOf(
      [networkStatusOf(mastodon, standing)],
      [syncOf(isRunning ? { state: 'running', finishedAt: null } : {})],
    )
    const page = await (await (await start(given)).get('/status')).text()
    expect(page).toContain(`<h1 id="headline">${headline}</h1>`)
    expect(/<span class="badge[\s\S]*?<\/header>/.exec(page)?.[0]).toContain(badge)
    // Why, in the network's own words.
    if (standing.reason) expect(page).toContain(standing.reason)
  })

  test('each storage is named as its person knows it, with what is in it', async () => {
    const disk = connectionOf({ kind: 'storage', provider: 'local', handle: 'ann' })
    const dropbox = connectionOf({ kind: 'storage', provider: 'dropbox', handle: 'ann@example.com' })
    const given = script()
    given.accounts = accountsOf(ann, token, [mastodon, disk, dropbox])
    given.conductor.getStatus = async () => ({ networks: [], syncs: [], media: [{ storageId: dropbox.id, files: 3, bytes: 2_500_000 }] })
    const page = await (await (await start(given)).get('/status')).text()
    const section = (id: string) => new RegExp(`id="storage-${id}">([^<]*)</h2>[\\s\\S]*?(\\d+) pictures`).exec(page)?.slice(1)
    expect(section(disk.id)).toEqual(['Kept on: This server’s disk', '0'])
    expect(section(dropbox.id)).toEqual(['Kept on: Dropbox (ann@example.com)', '3'])
  })

  test('of each storage is told how full it is, as far as it tells', async () => {
    const [dropbox, bucket, silent] = ['dropbox', 's3', 'webdav'].map((provider) =>
      connectionOf({ kind: 'storage', provider, handle: 'ann' }),
    )
    const given = script()
    given.accounts = accountsOf(ann, token, [dropbox!, bucket!, silent!])
    given.platform.getSpace = async ({ params: { storageId } }) => {
      if (storageId === silent!.id) throw new AshevilleError('unavailable', 'Your server does not answer')
      return storageId === dropbox!.id ? { used: 1_500_000_000, total: 2_000_000_000 } : { used: null, total: null }
    }
    const page = await (await (await start(given)).get('/settings')).text()
    expect([...page.matchAll(/<p[^>]*>([\d.]+ [GM]?B of [\d.]+ [GM]?B are used)/g)].map(([, told]) => told)).toEqual([
      '1.5 GB of 2 GB are used',
    ])
    expect(page.match(/class="belongings"[\s\S]*<\/ul>/)?.[0].match(/<li>/g)).toHaveLength(3)
  })

  test('a full disk is not called the fault of the network', async () => {
    const full = connectionOf({ provider: 'mastodon', state: 'full', stateReason: 'This server’s disk is full.' })
    const given = script()
    given.conductor.getStatus = statusOf([networkStatusOf(full, { word: 'action-required', action: 'free-space' })], [syncOf()])
    expect(await (await (await start(given)).get('/status')).text()).toContain('<h1 id="headline">Your storage is full</h1>')
  })

  test('what is paused is not called up to date', async () => {
    const paused = connectionOf({ provider: 'bluesky', state: 'paused' })
    const given = script()
    const networks = [networkStatusOf(mastodon), networkStatusOf(paused, { word: 'paused' })]
    given.conductor.getStatus = statusOf(networks, [syncOf()])
    expect(await (await (await start(given)).get('/status')).text()).toContain('Up to date, but for what is paused')
  })

  test('starts a sync of one network or all; changes answer with a redirect', async () => {
    const asked: unknown[] = []
    const given = script()
    given.conductor.getStatus = statusOf([networkStatusOf(mastodon)], [syncOf()])
    given.conductor.createSync = async ({ body, userId }) => {
      asked.push([userId, body.connectionIds])
      return { sync: syncOf(), created: true }
    }
    const visitor = await start(given)
    for (const action of ['/status/sync', `/connections/${mastodon.id}/sync`]) {
      const answer = await visitor.submit('/status', action)
      expect([answer.status, answer.headers.get('location')]).toEqual([303, '/status'])
    }
    expect(asked).toEqual([
      [ann.id, null],
      [ann.id, [mastodon.id]],
    ])
  })

  test('pauses, resumes and cancels one network', async () => {
    const asked: unknown[] = []
    const given = script()
    given.conductor.getStatus = statusOf([networkStatusOf(mastodon, { word: 'syncing' })], [])
    const note = (name: string) => async (call: { params: { connectionId: string }; userId: string }) => {
      asked.push([name, call.userId, call.params.connectionId])
      return mastodon
    }
    given.conductor.pauseConnection = note('pause')
    given.conductor.resumeConnection = note('resume')
    given.conductor.cancelConnection = async (call) => (await note('cancel')(call), { sync: null })
    const visitor = await start(given)
    for (const name of ['pause', 'resume', 'cancel']) {
      const answer = await visitor.submit('/status', `/connections/${mastodon.id}/${name}`)
      expect([answer.status, answer.headers.get('location')]).toEqual([303, '/status'])
    }
    expect(asked).toEqual(['pause', 'resume', 'cancel'].map((name) => [name, ann.id, mastodon.id]))
  })
})

describe('clearing', () => {
  const path = `/connections/${mastodon.id}/clear`

  test('says what is there and what becomes of it, and removes what is chosen', async () => {
    const asked: unknown[] = []
    const given = script()
    given.conductor.clearConnection = async ({ params, body, userId }) => {
      asked.push([userId, params.connectionId, body])
      return mastodon
    }
    given.conductor.getStatus = statusOf([networkStatusOf(mastodon, { types: [typeStatusOf('posts', { stored: 12 })] })])
    const visitor = await start(given)
    expect(await (await visitor.get('/status')).text()).toContain(path)
    const page = await (await visitor.get(path)).text()
    expect(page).toMatch(/type="checkbox" name="posts"/)
    expect(page).toContain('Mastodon keeps what you have there')
    const nothing = await visitor.submit(path, path, {})
    expect(nothing.status).toBe(422)
    expect(await nothing.text()).toContain('Choose at least one')
    const answer = await visitor.submit(path, path, { posts: 'on', strange: 'on' })
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/status?done=cleared'])
    expect(asked).toEqual([[ann.id, mastodon.id, { contentTypes: ['posts'] }]])
    expect(await (await visitor.get('/status?done=cleared')).text()).toContain('is being removed')
  })
})

describe('restarting', () => {
  const path = `/connections/${mastodon.id}/restart`
  const planned = (cost: { reads: number | null } | null) => ({
    connectionId: mastodon.id,
    provider: 'mastodon',
    handle: mastodon.handle,
    streams: [
      ['statuses', 'posts' as const],
      ['favourites', 'likes' as const],
    ].map(([stream, type]) => ({
      stream: stream ?? '',
      contentTypes: [type as 'posts'],
      walks: ['backfill' as const],
      isUnderWay: false,
      available: {},
      cost,
    })),
  })

  test('is asked first, and tells what pulling everything again costs', async () => {
    const given = script()
    let cost: { reads: number | null } | null = null
    given.conductor.planSync = async ({ body }) => {
      expect(body).toEqual({ connectionIds: [mastodon.id], from: 'scratch' })
      return { connections: [planned(cost)] }
    }
    const visitor = await start(given)
    const page = async () => (await visitor.get(path)).text()
    expect(await page()).toMatch(/<option value="favourites">Likes<\/option>/)
    expect(await page()).not.toContain('charges')
    cost = { reads: 1600 }
    expect(await page()).toContain('takes about 3,200 reads')
    cost = { reads: null }
    expect(await page()).toContain('does not tell how much')
  })

  test('begins where it is told to, of what it is told', async () => {
    const asked: unknown[] = []
    const given = script()
    given.conductor.planSync = async () => ({ connections: [planned(null)] })
    given.conductor.restartConnection = async ({ params, body, userId }) => {
      asked.push([userId, params.connectionId, body])
      return syncOf()
    }
    const visitor = await start(given)
    for (const fields of [{ from: 'checkpoint', stream: '' }, { from: 'scratch', stream: 'favourites' }, { from: 'nonsense' }]) {
      const answer = await visitor.submit(path, path, fields as Record<string, string>)
      expect([answer.status, answer.headers.get('location')]).toEqual([303, '/status'])
    }
    expect(asked.map((one) => (one as unknown[])[2])).toEqual([
      { from: 'checkpoint', stream: null },
      { from: 'scratch', stream: 'favourites' },
      { from: 'checkpoint', stream: null },
    ])
    expect(asked.every((one) => (one as unknown[])[0] === ann.id)).toBe(true)
    expect((await visitor.submit(path, path, { stream: '../x' })).status).toBe(404)
  })

  test('what rests is resumed first', async () => {
    const given = script()
    Object.assign(given.accounts, accountsOf(ann, token, [{ ...mastodon, state: 'paused' }]))
    const answer = await (await start(given)).get(path)
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/status'])
  })
})

describe('connecting', () => {
  test('faults stand at their fields, what was typed is kept, passwords are not', async () => {
    const given = script()
    given.accounts.beginConnect = async () => {
      throw new AshevilleError('invalid', 'Wrong', { faults: [{ pointer: '/password', message: 'Not accepted <there>' }] })
    }
    const visitor = await start(given)
    const empty = await (
      await visitor.submit('/connect/bluesky', '/connect/bluesky', { 'field-handle': 'ann', 'field-password': '' })
    ).text()
    expect(empty).toContain('App password: write something here')
    const answer = await visitor.submit('/connect/bluesky', '/connect/bluesky', {
      'field-handle': 'ann.example',
      'field-password': 's3cret-pass',
    })
    const page = await answer.text()
    expect(answer.status).toBe(422)
    expect(page).toMatch(/id="field-password-fault">[\s\S]*Not accepted &lt;there&gt;/)
    expect(page).toContain('value="ann.example"')
    expect(page).not.toContain('s3cret-pass')
  })

  test('a server that does not answer is told at the field where it was written', async () => {
    const given = script()
    given.accounts.beginConnect = async () => {
      const message = 'example.social cannot be reached'
      throw new AshevilleError('unavailable', message, { faults: [{ pointer: '/server', message }] })
    }
    const answer = await (await start(given)).submit('/connect/mastodon', '/connect/mastodon', { 'field-server': 'example.social' })
    expect(answer.status).toBe(503)
    expect(await answer.text()).toMatch(
      /id="field-server-fault">[\s\S]*example\.social cannot be reached\. Check how it is written, or try again in a moment\./,
    )
  })

  test('an authorisation server is reached by a page of ours that only we can have signed', async () => {
    const url = 'https://example.social/oauth/authorize?state=1&scope=read'
    const started: unknown[] = []
    const given = script()
    given.accounts.beginConnect = async ({ body }) => {
      started.push(body)
      return { next: 'authorize', url }
    }
    given.accounts.finishConnect = async ({ body }) => {
      started.push(body.callback)
      return { connection: mastodon }
    }
    given.conductor.createSync = async ({ body }) => {
      started.push(body)
      return { sync: syncOf(), created: true }
    }
    const visitor = await start(given)
    const answer = await visitor.submit('/connect/mastodon', '/connect/mastodon', { 'field-server': 'example.social' })
    const leave = answer.headers.get('location') ?? ''
    expect([answer.status, leave.startsWith('/connect/mastodon/leave?')]).toEqual([303, true])
    expect(await (await visitor.get(leave)).text()).toContain(`content="1;url=${url.replace('&', '&amp;')}"`)
    for (const wrong of [
      leave.replace('example.social', 'evil.example'),
      leave.replace('mastodon', 'bluesky'),
      leave.replace(/until=\d/, 'until=9'),
    ])
      expect((await visitor.get(wrong)).status).toBe(404)
    const done = await visitor.get('/connect/mastodon/callback?code=abc&state=1')
    expect([done.status, done.headers.get('location')]).toEqual([303, '/status'])
    expect(started).toEqual([
      { provider: 'mastodon', fields: { server: 'example.social' }, sessionId: expect.any(String), reconnects: null, storageId: null },
      { code: 'abc', state: '1' },
      { trigger: 'connect', connectionIds: [mastodon.id], from: 'checkpoint' },
    ])
    expect((await visitor.get('/connect/nothing')).status).toBe(404)
  })

  test('where a server asks the person itself, its page opens beside ours, and ours goes on once they have allowed it', async () => {
    const url = 'https://cloud.example/login/v2/flow/abc'
    let isAllowed = false
    const given = script()
    given.accounts.beginConnect = async () => ({ next: 'approve', url, approval: 'approval.1' })
    given.accounts.finishApproval = async ({ body }) => {
      expect(body).toEqual({ provider: 'mastodon', sessionId: expect.any(String), approval: 'approval.1' })
      return isAllowed ? { next: 'connected', connection: connectionOf({ kind: 'storage', provider: 'webdav' }) } : { next: 'wait', url }
    }
    const visitor = await start(given)
    const shown = await visitor.submit('/connect/mastodon', '/connect/mastodon', { 'field-server': 'cloud.example' })
    expect(await shown.text()).toMatch(/href="https:\/\/cloud\.example\/login\/v2\/flow\/abc" target="_blank" rel="noopener noreferrer"/)
    const say = () => visitor.submit('/connect/mastodon', '/connect/mastodon/approved', { approval: 'approval.1' })
    expect(await (await say()).text()).toContain('you have not allowed it yet')
    isAllowed = true
    expect((await say()).headers.get('location')).toBe('/settings')
  })

  test('who declined is told so', async () => {
    const given = script()
    given.accounts.finishConnect = async () => {
      throw new AshevilleError('invalid', 'access_denied')
    }
    const page = await (await start(given)).get('/connect/mastodon/callback?error=access_denied&state=1')
    expect(await page.text()).toContain('did not allow it there')
  })
})

describe('browsing', () => {
  test('asks for what the address says, and pages by cursor', async () => {
    const asked: unknown[] = []
    const given = script()
    given.platform.listItems = async ({ query }) => {
      asked.push(query)
      return { items: [itemOf('one', { content: '<p>Hello</p>' })], next: 'after-one' }
    }
    const visitor = await start(given)
    const page = await (await visitor.get('/browse?network=mastodon&type=posts&from=2025-01-01&to=2025-01-31&x=%3Cscript%3E')).text()
    expect(asked).toEqual([
      {
        limit: 24,
        order: 'newest',
        copies: 'once',
        network: 'mastodon',
        contentType: 'posts',
        from: '2025-01-01T00:00:00.000Z',
        to: '2025-02-01T00:00:00.000Z',
      },
    ])
    expect(page).toContain('href="/browse?network=mastodon&amp;type=posts&amp;from=2025-01-01&amp;to=2025-01-31&amp;cursor=after-one"')
    expect(page).not.toContain('<script>')
    expect((await visitor.get('/browse?type=nonsense&from=yesterday')).status).toBe(200)
  })

  test('what is the same on several networks is one card; its page tells all and why, and takes that it is not so', async () => {
    const given = script()
    const because = { by: 'words' as const, minutes: 3, words: 'Same words within 3 minutes' }
    const other = {
      key: 'two',
      id: 'at://two',
      network: 'bluesky',
      account: 'ann.example',
      contentType: 'posts' as const,
      at: null,
      goneAt: null,
    }
    const copy = { ...other, because, url: 'https://bsky.example/two', reactions: { likes: 1, shares: 1200 } }
    const item = { ...itemOf('one', { content: '<p>Hello</p>', likes: { type: 'Collection', totalItems: 5 } }), copies: [copy] }
    let shown: typeof item | (Omit<typeof item, 'copies'> & { keptApart: (typeof other)[] }) = item
    const said: unknown[] = []
    given.platform.listItems = async () => ({ items: [item], next: null })
    given.platform.getItem = async () => shown
    given.platform.setApart = async ({ body }) => void said.push(body)
    const visitor = await start(given)
    expect(await (await visitor.get('/browse')).text()).toContain('Also on Bluesky')
    const page = await (await visitor.get('/items/one')).text()
    for (const words of [
      'Same words within 3 minutes',
      '1 like · 1,200 shares',
      '5 likes',
      'https://bsky.example/two',
      'These are not the same',
    ])
      expect(page).toContain(words)
    const parted = await visitor.submit('/items/one', '/items/one/apart', { other: 'two', say: 'apart' })
    expect(parted.headers.get('location')).toBe('/items/one?done=parted')
    const { copies: _, ...alone } = item
    shown = { ...alone, keptApart: [other] }
    expect(await (await visitor.get('/items/one?done=parted')).text()).toContain('Take that back')
    await visitor.submit('/items/one', '/items/one/apart', { other: 'two', say: 'same' })
    expect(said).toEqual([
      { key: 'one', other: 'two', isApart: true },
      { key: 'one', other: 'two', isApart: false },
    ])
    expect((await visitor.submit('/items/one', '/items/one/apart', { other: '../two', say: 'apart' })).status).toBe(404)
  })

  test('files of safe kinds are shown, all others downloaded; nothing in them can run', async () => {
    const given = script()
    const types: Record<string, string> = { a: 'image/png', b: 'image/svg+xml', c: 'text/html; charset=utf-8' }
    const seen: (string | undefined)[] = []
    given.platform.getFile = async ({ params, request }) => {
      const name = [params.path].flat().at(-1) ?? ''
      seen.push(request.headers.range)
      if (request.headers['if-none-match'] === '"1"') return { status: 304, headers: { etag: '"1"' }, body: null }
      const headers = { 'content-type': types[name] ?? 'image/png', etag: '"1"', 'content-length': '3' }
      return request.headers.range
        ? { status: 206, headers: { ...headers, 'content-range': 'bytes 0-2/9' }, body: Readable.from(Buffer.from('abc')) }
        : { headers, body: Readable.from(Buffer.from('abc')) }
    }
    const visitor = await start(given)
    const picture = await visitor.get('/files/media/2025/03/a')
    expect([picture.status, picture.headers.get('content-type'), picture.headers.get('content-disposition')]).toEqual([
      200,
      'image/png',
      'inline',
    ])
    for (const name of ['b', 'c']) {
      const file = await visitor.get(`/files/media/2025/03/${name}`)
      expect([file.headers.get('content-type'), file.headers.get('content-disposition')]).toEqual([
        'application/octet-stream',
        'attachment',
      ])
      expect(file.headers.get('content-security-policy')).toContain('sandbox')
      expect(file.headers.get('x-content-type-options')).toBe('nosniff')
      expect(file.headers.get('cache-control')).toContain('private')
    }
    const part = await visitor.get('/files/media/2025/03/a', { range: 'bytes=0-2' })
    expect([part.status, part.headers.get('content-range'), seen.at(-1)]).toEqual([206, 'bytes 0-2/9', 'bytes=0-2'])
    expect((await visitor.get('/files/media/2025/03/a', { 'if-none-match': '"1"' })).status).toBe(304)
    expect((await createVisitor(site?.url ?? '').get('/files/media/2025/03/a')).status).not.toBe(200)
  })
})

describe('every page', () => {
  test('allows only its own scripts and styles, and names no other host', async () => {
    const visitor = await start()
    const response = await visitor.get('/status')
    const policy = response.headers.get('content-security-policy') ?? ''
    const nonce = /'nonce-([^']+)'/.exec(policy)?.[1] ?? 'none'
    expect(policy).not.toMatch(/unsafe|https?:|\*/)
    for (const directive of ["default-src 'none'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"])
      expect(policy).toContain(directive)
    const page = await response.text()
    const scripts = page.match(/<script[^>]*>/g) ?? []
    expect(scripts.length).toBeGreaterThan(0)
    for (const script of scripts) expect(script).toContain(`nonce="${nonce}"`)
    expect(page).not.toMatch(/(src|href|action)="(https?:)?\/\//)
    expect(page).not.toMatch(/ style="| on\w+="/)
    expect((await (await visitor.get('/status')).text()).includes(nonce)).toBe(false)
  })

  test('static files are named by their content, kept for ever, and compressed', async () => {
    const visitor = await start()
    const page = await (await visitor.get('/')).text()
    const [style = ''] = /\/assets\/asheville\.[0-9a-f]{12}\.css/.exec(page) ?? []
    const response = await visitor.get(style, { 'accept-encoding': 'br' })
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(response.headers.get('content-encoding')).toBe('br')
    const [font = ''] = /\/assets\/figtree\.[0-9a-f]{12}\.woff2/.exec(await response.text()) ?? []
    expect((await visitor.get(font)).headers.get('content-type')).toBe('font/woff2')
    expect((await visitor.get('/assets/nothing.css')).status).toBe(404)
    expect((await visitor.get('/assets/..%2f..%2fmain.ts')).status).toBe(404)
  })

  test('what does not exist is a page of ours with a request id', async () => {
    const visitor = await start()
    const response = await visitor.get('/nothing/like/that')
    const page = await response.text()
    expect([response.status, response.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8'])
    expect(page).toContain(response.headers.get('x-request-id') ?? 'none')
    expect((await visitor.get('/items/..%2f..%2fx')).status).toBe(404)
  })
})

describe('what networks send by themselves', () => {
  const webhook: Webhook = { headers: ['x-signed'], confirm: () => null, hints: () => [] }
  const networks = [{ ...sampleNetworks[0]!, webhook }, ...sampleNetworks.slice(1)]
  const sent: unknown[] = []
  const given: Script = {
    accounts: {
      confirmHook: async ({ params, body }) => {
        sent.push([params.network, body.query])
        return { answer: body.query['hub.verify_token'] === 'ours' ? '<b>12</b>' : null }
      },
      takeHook: async ({ params, body }) => {
        if (body.headers['x-signed'] !== 'yes') throw new AshevilleError('forbidden', 'This is not signed')
        sent.push([params.network, body.headers, Buffer.from(body.body, 'base64').toString('latin1')])
      },
    },
    conductor: {},
    platform: {},
  }
  const bytes = Buffer.from('\u0000{"ü":1}\xff', 'latin1')

  test('is handed on byte for byte, with what tells who sent it and nothing else', async () => {
    site = await startSite(given, networks)
    sent.length = 0
    const post = (network: string, headers: Record<string, string>, body = bytes) =>
      fetch(`${site!.url}/hooks/${network}`, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })
    const good = { 'x-signed': 'yes', cookie: `asheville=${token}`, 'sec-fetch-site': 'cross-site', authorization: 'Bearer x' }
    expect((await post('mastodon', good)).status).toBe(204)
    expect(sent).toEqual([['mastodon', { 'x-signed': 'yes' }, bytes.toString('latin1')]])
    expect((await post('mastodon', {})).status).toBe(403)
    expect((await post('bluesky', good)).status).toBe(404)
    expect((await post('mastodon', good, Buffer.alloc(600 * 1024))).status).toBe(413)
    expect(sent).toHaveLength(1)
  })

  test('is asked for beforehand, and answered as plain text, or not at all', async () => {
    site = await startSite(given, networks)
    sent.length = 0
    const ask = (word: string) => fetch(`${site!.url}/hooks/mastodon?hub.mode=subscribe&hub.verify_token=${word}`)
    const answer = await ask('ours')
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
      200,
      'text/plain; charset=utf-8',
      '<b>12</b>',
    ])
    expect((await ask('theirs')).status).toBe(403)
    expect(sent[0]).toEqual(['mastodon', { 'hub.mode': 'subscribe', 'hub.verify_token': 'ours' }])
  })
})

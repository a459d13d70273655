import { describe, expect, test } from '@jest/globals'
import { AshevilleError } from '@asheville/core'
import { describeNetwork } from '@asheville/testkit'
import { memory } from './index.ts'
import { createMemoryWorld } from './world.ts'

/** The shared suite needs to know how to make things happen at the vendor; the rest it knows itself. */
describeNetwork(memory, {
  world() {
    const world = createMemoryWorld()
    const newest = () => world.postIds()[0]!
    const url = (id: number) => `${world.origin}/posts/${id}`
    const marks: number[] = []
    return {
      http: world.http,
      token: world.token,
      server: null,
      streams: {
        posts: {
          many: 70,
          add: (count) => Array.from({ length: count }, (_, index) => world.addPost({ pictures: index % 3 })),
          edit: () => (world.editPost(newest(), 'Better'), url(newest())),
          remove() {
            const id = newest()
            world.deletePost(id)
            return url(id)
          },
          break: () => world.breakPost(newest()),
          addLate: () => world.addPost({ id: newest() - 1 }),
        },
        likes: {
          many: 70,
          add: (count) => Array.from({ length: count }, () => marks.push(world.like())),
          break: () => world.breakLike(marks.at(-1)!),
        },
      },
      fault: world.fault,
      signIn: { key: world.token },
      rename: world.rename,
    }
  },
})

/** Below the suite: only what is this network's own. */
describe('signing in to memory', () => {
  const [login] = memory.logins
  const signIn = (key: string) => {
    if (login?.kind !== 'fields') throw new Error('Memory has another login now')
    const { http } = createMemoryWorld({ token: 'right' })
    return login.signIn({ key }, { http, variables: {}, signal: AbortSignal.timeout(1000), now: () => new Date() })
  }

  test('the right key is kept as the token, and not among the fields', async () => {
    expect(await signIn(' right ')).toEqual({
      tokens: { accessToken: 'right', expiresAt: null, refreshToken: null },
      server: null,
      fields: {},
    })
  })

  test.each(['wrong', ''])('the key %j is a fault of that field', async (key) => {
    const error = await signIn(key).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(AshevilleError)
    expect((error as AshevilleError).faults).toMatchObject([{ pointer: '/key' }])
  })
})

test('a long history is pulled in two walks side by side', async () => {
  const world = createMemoryWorld()
  for (let count = 0; count < 150; count++) world.addPost()
  const io = { http: world.http, token: () => Promise.resolve(world.token), server: null, fields: {}, variables: {}, scratch: () => '' }
  const account = { id: '', handle: '' }
  const walks = await memory.streams[0]!.plan(
    { head: null, open: [], contentTypes: ['posts'], range: { from: null, to: null } },
    { ...io, account, signal: AbortSignal.timeout(1000), now: () => new Date() },
  )
  expect(walks.map(({ id, range }) => [id, range.from === null, range.to === null])).toEqual([
    ['backfill', false, true],
    ['backfill-1', true, false],
  ])
})

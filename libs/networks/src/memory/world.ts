import { Agent } from 'node:https'
import { setTimeout as pause } from 'node:timers/promises'
import type { Http } from '@asheville/core'
import type { Post } from './api.ts'

/** What a test may make go wrong with every request from now on. */
export type MemoryFault = 'unauthorized' | 'rate-limited' | 'server-error' | 'hang'

interface Kept extends Post {
  isBroken: boolean
}

/**
 * The vendor, in this process, scripted by tests: `http` answers as its servers would. A real network has a simulator in
 * libs/simulators instead, which speaks HTTP over a socket; a copy of this folder does not need this file.
 */
export function createMemoryWorld({ token = 'memory-key-7f3a', now = () => new Date() }: { token?: string; now?: () => Date } = {}) {
  const origin = 'http://memory.test'
  const joinedAt = now().getTime() - 400 * 24 * 3600_000
  const posts = new Map<number, Kept>()
  const likes: { mark: number; post: Post; isBroken: boolean }[] = []
  const state = { nextId: 1000, nextMark: 1, fault: null as MemoryFault | null, isRevoked: false, requests: 0, name: 'memo' }

  const script = {
    /** Publishes; ids grow, dates may tie. `id`: one that became visible late. Returns the id. */
    addPost(post: { id?: number; text?: string; at?: Date; pictures?: number } = {}): number {
      const id = post.id ?? (state.nextId += 10)
      const at = post.at ?? new Date(joinedAt + (id - 1000) * 3 * 3600_000)
      const picture = (index: number) => ({ url: `${origin}/media/${id}-${index}.png`, alt: `Picture ${index}`, width: 1, height: 1 })
      posts.set(id, {
        id: String(id),
        url: `${origin}/posts/${id}`,
        author: `${origin}/people/7`,
        text: post.text ?? `Post ${id}`,
        created_at: at.toISOString(),
        edited_at: null,
        pictures: Array.from({ length: post.pictures ?? 0 }, (_, index) => picture(index)),
        like_count: 0,
        isBroken: false,
      })
      return id
    },
    editPost: (id: number, text: string) => void Object.assign(need(id), { text, edited_at: now().toISOString() }),
    /** What counts do all the time, without being an edit. */
    countLike: (id: number) => void (need(id).like_count += 1),
    deletePost: (id: number) => void posts.delete(id),
    breakPost: (id: number) => void (need(id).isBroken = true),
    like(): number {
      const mark = state.nextMark++
      const url = `http://elsewhere.test/posts/${mark}`
      const text = `Liked ${mark}`
      const post = { id: String(mark), url, author: 'http://elsewhere.test/people/1', text, like_count: 1 }
      likes.push({ mark, isBroken: false, post: { ...post, created_at: '2020-01-01T00:00:00.000Z', edited_at: null, pictures: [] } })
      return mark
    },
    unlike: (mark: number) => void likes.splice(likes.findIndex((like) => like.mark === mark) >>> 0, 1),
    breakLike: (mark: number) => void likes.filter((like) => like.mark === mark).forEach((like) => (like.isBroken = true)),
    postIds: () => [...posts.keys()].sort((a, b) => b - a),
    fault: (fault: MemoryFault | null) => void (state.fault = fault),
    rename: (name = 'remember') => void (state.name = name),
    revoke: () => void (state.isRevoked = true),
    requests: () => state.requests,
  }

  function need(id: number): Kept {
    const post = posts.get(id)
    if (!post) throw new Error(`There is no post ${id}`)
    return post
  }

  const sent = ({ isBroken, ...post }: Kept) => (isBroken ? { id: post.id, text: 7 } : post)

  function listed<T extends { mark: number }>(all: T[], query: URLSearchParams): { found: T[]; older: string | null } {
    const limit = Number(query.get('limit') ?? 20)
    const number = (name: string, otherwise: number) => (query.has(name) ? Number(query.get(name)) : otherwise)
    const inside = all
      .filter(({ mark }) => mark < number('before', Infinity) && mark > number('after', -Infinity))
      .sort((a, b) => b.mark - a.mark)
    const found = inside.slice(0, limit)
    return { found, older: inside.length > limit ? String(found.at(-1)!.mark) : null }
  }

  function answer(url: URL): Response {
    const query = url.searchParams
    if (url.pathname === '/me') {
      const joined_at = new Date(joinedAt).toISOString()
      return Response.json({ id: `${origin}/people/7`, name: state.name, url: `${origin}/people/7`, joined_at, post_count: posts.size })
    }
    if (url.pathname === '/posts') {
      const from = query.get('from') ?? ''
      const until = query.get('until') ?? '~'
      const all = [...posts.values()].filter(({ created_at }) => created_at >= from && created_at < until)
      const { found, older } = listed(
        all.map((post) => ({ post, mark: Number(post.id) })),
        query,
      )
      return Response.json({ posts: found.map(({ post }) => sent(post)), older, total: posts.size })
    }
    if (url.pathname === '/likes') {
      const { found, older } = listed(likes, query)
      return Response.json({ likes: found.map(({ post, isBroken }) => (isBroken ? { post: null } : { post })), older })
    }
    const post = posts.get(Number(/^\/posts\/(\d+)$/.exec(url.pathname)?.[1]))
    if (post) return Response.json(sent(post))
    if (/^\/media\//.test(url.pathname)) return new Response(url.pathname, { headers: { 'content-type': 'image/png' } })
    return Response.json({ error: 'There is no such thing' }, { status: 404 })
  }

  const answerTo: typeof fetch = async (input, init) => {
    const request = new Request(input, init)
    request.signal.throwIfAborted()
    state.requests += 1
    if (state.fault === 'hang') {
      await pause(300, undefined, { signal: request.signal }).catch(() => request.signal.throwIfAborted())
      throw new DOMException('Nobody answers', 'TimeoutError')
    }
    if (state.fault === 'rate-limited') return Response.json({ error: 'slow down' }, { status: 429, headers: { 'retry-after': '7' } })
    if (state.fault === 'server-error') return new Response('<h1>Oh no</h1>', { status: 503, headers: { 'content-type': 'text/html' } })
    const isKnown = request.headers.get('authorization') === `Bearer ${token}`
    if (state.fault === 'unauthorized' || state.isRevoked || !isKnown) return Response.json({ error: 'who are you?' }, { status: 401 })
    return answer(new URL(request.url))
  }

  const http: Http = { fetch: answerTo, longPoll: answerTo, agent: new Agent() }
  return { ...script, http, token, origin }
}
export type MemoryWorld = ReturnType<typeof createMemoryWorld>

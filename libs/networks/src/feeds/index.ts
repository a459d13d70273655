import { AshevilleError, kindOf, type Fields, type LoginIo, type Network } from '@asheville/core'
import { asLoginFault } from '@asheville/http-client'
import { fetchDocument, fetchFeed, notAFeed, type Fetched } from './api.ts'
import { readFeed, type Feed } from './entries.ts'
import { entries, feedOf } from './entries-stream.ts'
import { absolute, tagsOf } from './html.ts'

/** RSS 0.9x–2.0, Atom and JSON Feed at any address; what they cannot do: README.md. */
export const feeds: Network = {
  id: 'feeds',
  title: 'A blog or podcast',
  description: 'The articles or episodes of any site that has a feed (RSS, Atom, JSON Feed), with their pictures and sound.',
  website: 'https://en.wikipedia.org/wiki/Web_feed',
  variables: [],
  // Good manners: whoever asks a site's feed more often than this is a nuisance.
  budgets: [{ per: 'connection', requests: 60, windowMs: 5 * 60_000 }],
  streams: [entries],
  logins: [
    {
      kind: 'fields',
      fields: [
        {
          name: 'url',
          label: 'Address',
          kind: 'url',
          placeholder: 'https://example.org',
          help: 'Of the site or of its feed. For several sites, connect each.',
          autocomplete: 'url',
        },
      ],
      signIn,
    },
  ],

  async account(io) {
    const url = feedOf(io)
    const fetched = await fetchFeed(io, url)
    const feed = fetched === null ? null : feedIn(fetched)
    const { host, pathname } = new URL(url)
    if (!feed) throw notAFeed(`There is no feed at this address of ${host} any more`)
    return {
      id: url,
      handle: pathname === '/' ? host : `${host}${pathname}`,
      title: feed.title ?? host,
      url: feed.home ?? url,
      declined: [],
    }
  },
}

async function signIn(fields: Fields, io: LoginIo): Promise<{ tokens: null; server: null; fields: Fields }> {
  try {
    const first = await firstAnswer(addressesOf(fields['url'] ?? ''), io)
    if (feedIn(first)) return { tokens: null, server: null, fields: { url: first.url } }
    for (const url of feedsNamedIn(first).slice(0, 5)) {
      const named = await fetchDocument(io, url).catch((error: unknown) => {
        if (kindOf(error) === 'cancelled') throw error
        return null
      })
      if (named && feedIn(named)) return { tokens: null, server: null, fields: { url: named.url } }
    }
  } catch (error) {
    throw asLoginFault(error, '/url')
  }
  throw notAFeed(
    'There is no feed at this address, and the page names none. Look on the site for “RSS” or “Feed” and write the address behind it.',
  )
}

/** What was written as an address; without a scheme, first the safe one. */
function addressesOf(written: string): string[] {
  const text = written.trim().replace(/^feed:(\/\/)?/i, '')
  const found = (/^https?:\/\//i.test(text) ? [text] : [`https://${text}`, `http://${text}`]).flatMap((address) => URL.parse(address) ?? [])
  const { hostname = '', username, password } = found[0] ?? {}
  if (text === '' || !/[.:]|^localhost$/.test(hostname))
    throw notAFeed('Write the address of a site or of its feed, such as https://example.org')
  if (username || password) throw notAFeed('The address must not hold a name or password: they would be stored in the open.')
  return found.map((url) => ((url.hash = ''), url.href))
}

async function firstAnswer(addresses: readonly string[], io: LoginIo): Promise<Fetched> {
  let failure: unknown
  for (const address of addresses) {
    try {
      const fetched = await fetchDocument(io, address)
      if (fetched) return fetched
    } catch (error) {
      failure ??= error
      if (kindOf(error) !== 'unavailable') break
    }
  }
  const error = failure
  if (kindOf(error) === 'not-found') throw notAFeed('There is nothing at this address. Check how it is written.', error)
  if (kindOf(error) === 'reconnect-required') throw notAFeed('This address asks for a password, which feeds here cannot have.', error)
  // Whoever has just written an address wants to know that nobody answers there, not to wait.
  throw error instanceof AshevilleError && error.kind === 'unavailable' ? notAFeed(error.message, error) : error
}

function feedIn({ text, url }: Fetched): Feed | null {
  try {
    return readFeed(text, url)
  } catch (error) {
    throw notAFeed(`The feed at ${new URL(url).host} is broken: a program that reads feeds cannot make sense of it.`, error)
  }
}

/** https://www.rssboard.org/rss-autodiscovery; those of comments come last. */
function feedsNamedIn({ text, url }: Fetched): string[] {
  const tags = tagsOf(text)
  const base = absolute(tags.find(({ name }) => name === 'base')?.attributes['href'], url) ?? url
  const links = tags.filter(({ name, attributes: { rel = '', type = '' } }) => {
    return (
      name === 'link' &&
      /\balternate\b/i.test(rel) &&
      /^(application\/(rss|atom|rdf|feed)\+(xml|json)|application\/json|text\/xml)/i.test(type.trim())
    )
  })
  const isOfComments = ({ title = '', href = '' }: Record<string, string>) => /comment/i.test(`${title} ${href}`)
  return links
    .map(({ attributes }) => attributes)
    .sort((a, b) => Number(isOfComments(a)) - Number(isOfComments(b)))
    .flatMap(({ href }) => absolute(href, base) ?? [])
}

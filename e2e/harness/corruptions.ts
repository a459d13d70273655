import { appendFile, copyFile, mkdir, readdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { createRandom } from '@asheville/simulators'
import { pagePlaceOf, type StoredItem } from './check-page.ts'
import type { FindingKind } from './expected.ts'

type Random = ReturnType<typeof createRandom>
type Page = { orderedItems: StoredItem[] } & Record<string, unknown>

/** A folder that may be spoiled, and a seeded choice of where. */
export interface Victim {
  folder: string
  random: Random
  /** Paths of dated pages with at least so many items (1), of this content type if given. */
  pages(least?: number, contentType?: string): Promise<string[]>
  media(): Promise<string[]>
}

/** One way to spoil a folder; answers where, as the finding must name it. */
export interface Corruption {
  name: string
  kind: FindingKind
  spoil(victim: Victim): Promise<{ path?: string; id?: string }>
}

export function victimOf(folder: string, random: Random): Victim {
  const read = async (path: string): Promise<Page> => JSON.parse(await readFile(join(folder, path), 'utf8')) as Page
  return {
    folder,
    random,
    async pages(least = 1, contentType) {
      const found: string[] = []
      for (const path of await pathsIn(folder)) {
        const place = pagePlaceOf(path)
        if (place === null || place.month === 'undated' || (contentType !== undefined && place.contentType !== contentType)) continue
        if ((await read(path)).orderedItems.length >= least) found.push(path)
      }
      return found
    },
    media: async () => (await pathsIn(folder)).filter((path) => path.startsWith('media/')),
  }
}

async function pathsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name).slice(folder.length + 1)] : [])).sort()
}

/** Changes one page; answers what `change` does, or its path. */
async function onPage(
  victim: Victim,
  change: (page: Page, item: StoredItem) => unknown,
  { least = 1, contentType, fits = () => true }: { least?: number; contentType?: string; fits?: (item: StoredItem) => boolean } = {},
): Promise<{ path: string; id: string }> {
  const { folder, random } = victim
  const paths = await victim.pages(least, contentType)
  for (let tries = 0; tries < 500; tries += 1) {
    const path = random.pick(paths)
    const page = JSON.parse(await readFile(join(folder, path), 'utf8')) as Page
    const item = random.pick(page.orderedItems)
    if (!fits(item)) continue
    const { id } = item
    change(page, item)
    await write(folder, path, JSON.stringify(page))
    return { path, id }
  }
  throw new Error('No item fits this corruption')
}

async function write(folder: string, path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true })
  await writeFile(join(folder, path), text)
}

const fileOf = (item: StoredItem): Record<string, unknown> | undefined =>
  ([item['attachment']].flat() as (Record<string, unknown> | undefined)[]).find((file) => file?.['asheville:state'] === 'stored')
const hasFile = (item: StoredItem): boolean => fileOf(item) !== undefined
const drop = <T>(list: T[], value: T): T[] => list.splice(list.indexOf(value), 1)

const change = (
  name: string,
  kind: FindingKind,
  how: (item: StoredItem, page: Page, random: Random) => unknown,
  options: Parameters<typeof onPage>[2] = {},
): Corruption => ({
  name,
  kind,
  spoil: (victim) => onPage(victim, (page, item) => how(item, page, victim.random), options),
})
const place = (name: string, kind: FindingKind, path: string, text = 'x'): Corruption => ({
  name,
  kind,
  spoil: async ({ folder }) => {
    await write(folder, path, text)
    return { path }
  },
})
const onMedia = (name: string, kind: FindingKind, how: (file: string, victim: Victim) => Promise<unknown>): Corruption => ({
  name,
  kind,
  spoil: async (victim) => {
    const path = victim.random.pick(await victim.media())
    await how(join(victim.folder, path), victim)
    // Of what is lost the item is named, of twins either.
    return kind === 'differing' ? { path } : {}
  },
})

/** Another place for the picked item, in its own month's next part, or in that of another month. */
const elsewhere = (name: string, kind: FindingKind, path: (path: string) => string): Corruption => ({
  name,
  kind,
  spoil: async (victim) => {
    let spoilt: Page = { orderedItems: [] }
    const { path: from, id } = await onPage(victim, (page, item) => (spoilt = { ...page, orderedItems: [item] }))
    await write(victim.folder, path(from), JSON.stringify(spoilt))
    return { id }
  },
})

export const corruptions: readonly Corruption[] = [
  // Lost.
  {
    ...change('an item is missing', 'lost', (item, page) => drop(page.orderedItems, item)),
    spoil: async (victim) => ({ id: (await onPage(victim, (page, item) => drop(page.orderedItems, item))).id }),
  },
  {
    name: 'a page is missing',
    kind: 'lost',
    spoil: async (victim) => {
      const { path, id } = await onPage(victim, () => undefined)
      await rm(join(victim.folder, path))
      return { id }
    },
  },
  {
    name: 'a page ends half-way',
    kind: 'lost',
    spoil: async (victim) => {
      const { path, id } = await onPage(victim, () => undefined)
      await truncate(join(victim.folder, path), 300)
      return { id }
    },
  },
  onMedia('a file is missing', 'lost', (file) => rm(file)),
  change('a file is still to be had', 'lost', (item) => Object.assign(fileOf(item)!, { 'asheville:state': 'pending' }), { fits: hasFile }),
  change('a file was forgotten', 'lost', (item) => delete item['attachment'], { fits: hasFile }),
  ...['README.txt', 'asheville.json'].map((path): Corruption => ({
    name: `${path} is missing`,
    kind: 'lost',
    spoil: async ({ folder }) => rm(join(folder, path)).then(() => ({ path })),
  })),

  // Doubled.
  change('an item is twice in its page', 'doubled', (item, page) =>
    page.orderedItems.splice(page.orderedItems.indexOf(item), 0, { ...item }),
  ),
  elsewhere('an item is in two parts of its month', 'doubled', (path) => path.replace('.json', '.2.json')),
  elsewhere('an item is in two months', 'doubled', (path) => path.replace(/\d{4}-\d{2}/, '1999-01')),
  elsewhere('an item is also undated', 'doubled', (path) => path.replace(/\d{4}-\d{2}/, 'undated')),
  onMedia('a file is stored twice', 'doubled', async (file, { folder }) => {
    const copy = `media/2099/01/${file.split('/').at(-1)}`
    await mkdir(join(folder, dirname(copy)), { recursive: true })
    await copyFile(file, join(folder, copy))
  }),

  // Differing.
  change('a text lacks its last character', 'differing', (item) => (item['content'] = String(item['content']).slice(0, -1)), {
    fits: ({ content }) => typeof content === 'string' && content.trim().length > 12 && /[^\s>]$/.test(content.slice(0, -4)),
    contentType: 'posts',
  }),
  change('a text is another', 'differing', (item) => (item['content'] = 'What nobody wrote'), {
    contentType: 'posts',
    fits: ({ content }) => content !== undefined,
  }),
  change('a date is a millisecond off', 'differing', (item) => {
    const at = new Date(Date.parse(String(item['published'])) + 1).toISOString()
    Object.assign(item, { published: at })
  }),
  change(
    'what was boosted says something else',
    'differing',
    (item) => Object.assign(item['object'] as object, { content: 'What nobody wrote' }),
    { fits: ({ type, object }) => type === 'Announce' && typeof object === 'object' },
  ),
  change('it was edited, they say', 'differing', (item) => (item['updated'] = '2031-01-01T00:00:00.000Z'), { contentType: 'articles' }),
  change('a post is marked as gone that is not', 'differing', (item) => (item['asheville:goneAt'] = '2031-01-01T00:00:00.000Z')),
  change(
    'the network’s own words were changed',
    'differing',
    (item) => Object.assign(item['asheville:raw'] as object, { text: 'What nobody wrote' }),
    { contentType: 'posts', fits: ({ id, type }) => id.startsWith('at:') && type === 'Note' },
  ),
  change('a hash is another than the file’s', 'differing', (item) => Object.assign(fileOf(item)!, { 'asheville:sha256': '0'.repeat(64) }), {
    fits: hasFile,
  }),
  change('a length is another than the file’s', 'differing', (item) => Object.assign(fileOf(item)!, { 'asheville:bytes': 1 }), {
    fits: hasFile,
  }),
  {
    name: 'an item shows another’s file',
    kind: 'differing',
    spoil: async (victim) => {
      const taken: Record<string, unknown> = {}
      await onPage(victim, (_, item) => Object.assign(taken, fileOf(item)), { fits: hasFile })
      const places = Object.fromEntries(Object.entries(taken).filter(([name]) => name.startsWith('asheville:')))
      return onPage(victim, (_, item) => Object.assign(fileOf(item)!, places), {
        fits: (item) => hasFile(item) && fileOf(item)!['asheville:path'] !== taken['asheville:path'],
      })
    },
  },
  onMedia('a bit of a file is flipped', 'differing', async (file, { random }) => {
    const bytes = await readFile(file)
    const at = random.int(0, bytes.length - 1)
    bytes[at] = bytes[at]! ^ (1 << random.int(0, 7))
    await writeFile(file, bytes)
  }),
  onMedia('a file lacks its last byte', 'differing', async (file) => truncate(file, (await readFile(file)).length - 1)),
  onMedia('a file goes on after its end', 'differing', (file) => appendFile(file, '\0')),
  onMedia('a file is empty', 'differing', (file) => truncate(file, 0)),

  // Unexpected.
  change(
    'an item that nobody published',
    'unexpected',
    (item, page) => page.orderedItems.splice(page.orderedItems.indexOf(item), 0, { ...item, id: 'https://nobody.example/1' }),
    {},
  ),
  change('an item under another id', 'unexpected', (item) => (item.id = `${item.id}x`)),

  // Names.
  place('a device of Windows', 'unsafe-name', 'mastodon/aux/profile.json'),
  place('a colon', 'unsafe-name', 'media/2024/03/a:b.png'),
  place('a control character', 'unsafe-name', 'media/2024/03/a\u0007b.png'),
  place('a name that turns the reading direction', 'unsafe-name', 'media/2024/03/a\u202Egnp.png'),
  place('a dot at the end', 'unsafe-name', 'mastodon/ada./profile.json'),
  place('a space at the end', 'unsafe-name', 'mastodon/ada /profile.json'),
  place('letters and accents apart', 'unsafe-name', 'mastodon/jose\u0301/profile.json'),
  place('too long a name', 'unsafe-name', `mastodon/${'a'.repeat(121)}/profile.json`),
  {
    name: 'names that differ in case alone',
    kind: 'unsafe-name',
    spoil: async (victim) => {
      const path = victim.random.pick(await victim.media())
      const name = path.split('/').at(-1)!
      const twin = path.replace(name, name.toUpperCase())
      await copyFile(join(victim.folder, path), join(victim.folder, twin))
      return {}
    },
  },
  {
    name: 'a link instead of a file',
    kind: 'unsafe-name',
    spoil: async ({ folder }) => {
      await symlink('/etc/passwd', join(folder, 'media', 'linked.png'))
      return { path: 'media/linked.png' }
    },
  },

  // Not Activity Streams.
  {
    name: 'a page that is no JSON',
    kind: 'invalid',
    spoil: async (victim) =>
      onPage(victim, () => undefined).then(async ({ path }) => appendFile(join(victim.folder, path), ']').then(() => ({ path }))),
  },
  change('a page without context', 'invalid', (_, page) => delete page['@context']),
  change('a page of another type', 'invalid', (_, page) => (page['type'] = 'OrderedCollection')),
  change('a page whose items are no list', 'invalid', (_, page) => (page.orderedItems = {} as never)),
  change('a page that says it is another network’s', 'invalid', (_, page) => (page['asheville:network'] = 'elsewhere')),
  change('an item without type', 'invalid', (item) => delete item['type']),
  change('an item of an unknown type', 'invalid', (item) => (item['type'] = 'Toot')),
  change('an item without id', 'invalid', (item) => delete (item as Record<string, unknown>)['id']),
  change('an id that is no address', 'invalid', (item) => (item.id = 'item 1')),
  change('a date without a zone', 'invalid', (item) => (item['published'] = '2024-03-01T10:00:00')),
  change('a date that is none', 'invalid', (item) => (item['published'] = '2024-02-31T10:00:00Z'.replace('02-31', '13-31'))),
  change('an act of nobody', 'invalid', (item) => delete item['actor'], { fits: ({ type }) => type === 'Announce' || type === 'Like' }),
  change('an act upon nothing', 'invalid', (item) => delete item['object'], {
    fits: ({ type }) => type === 'Like' || type === 'Follow' || type === 'Announce',
  }),
  change('null instead of nothing', 'invalid', (item) => (item['summary'] = null)),
  change('a property of no vocabulary', 'invalid', (item) => (item['favouriteCount'] = 3)),
  change('an attachment without type', 'invalid', (item) => delete fileOf(item)!['type'], { fits: hasFile }),
  change('a width that is a text', 'invalid', (item) => (fileOf(item)!['width'] = '16'), { fits: hasFile }),
  change('an item that is a text', 'invalid', (item, page) =>
    page.orderedItems.splice(page.orderedItems.indexOf(item), 0, 'an item' as never),
  ),

  // Order.
  change('two items in the wrong order', 'out-of-order', (_, page) => page.orderedItems.reverse(), { least: 2 }),
  {
    name: 'an item in another month',
    kind: 'out-of-order',
    spoil: async (victim) => {
      const moved: StoredItem[] = []
      const { id, path } = await onPage(victim, (page, item) => moved.push(...drop(page.orderedItems, item)))
      const to = (await victim.pages()).find((other) => other !== path && dirname(other) === dirname(path))!
      const page = JSON.parse(await readFile(join(victim.folder, to), 'utf8')) as Page
      page.orderedItems.push(...moved)
      await write(victim.folder, to, JSON.stringify(page))
      return { id, path: to }
    },
  },
  {
    name: 'a second part without a first',
    kind: 'out-of-order',
    spoil: async (victim) => {
      const { path } = await onPage(victim, () => undefined)
      const moved = path.replace('.json', '.2.json')
      await rename(join(victim.folder, path), join(victim.folder, moved))
      return { path: moved }
    },
  },

  // Leftovers.
  place('a file that was being written', 'leftover', '.incoming/0f0f-12-ab-cd'),
  place('a draft beside a page', 'leftover', 'mastodon/ada/posts/2024-03.json.tmp'),
  place('a version kept because of a conflict', 'leftover', 'mastodon/ada/posts/2024-03.conflict-2024-11-21-k3x9.json'),
  place('a file of no item', 'leftover', `media/2024/03/${'ab'.repeat(20)}.png`),

  // The index.
  {
    name: 'a manifest of the day before',
    kind: 'index',
    spoil: async (victim) => {
      await onPage(victim, (page, item) => drop(page.orderedItems, item))
      return { path: 'asheville.json' }
    },
  },
  ...(['pages', 'media', 'accounts'] as const).map((part): Corruption => ({
    name: `a manifest that counts its ${part} wrongly`,
    kind: 'index',
    spoil: async ({ folder }) => {
      const text = await readFile(join(folder, 'asheville.json'), 'utf8')
      const wrong = { pages: /"items":(\d+),"sha256"/, media: /"files":(\d+)/, accounts: /"items":(\d+),"gone"/ }[part]
      await write(
        folder,
        'asheville.json',
        text.replace(wrong, (found, count: string) => found.replace(count, String(Number(count) + 1))),
      )
      return { path: 'asheville.json' }
    },
  })),
]

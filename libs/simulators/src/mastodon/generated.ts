import { createRandom, makePicture } from '../kit/index.ts'
import type { Content, GeneratedPost } from '../kit/index.ts'
import type { AccountRecord, MediaFields, NewStatus, StatusFields, StatusRecord } from './types.ts'
import { batchKey } from './keys.ts'

type People = (index: number) => AccountRecord

/** A generated status of a local account: posts, threads, boosts, polls, pictures, now and then markup that was not cleaned. */
export function generatedFields(record: StatusRecord, remote: (index: number) => StatusRecord, person: People): StatusFields {
  const { batch, index } = record
  if (!batch) throw new Error('not a generated status')
  const random = createRandom(batch.name, 'status', index)
  const pictures = pictureCount(record)
  if (pictures === 0 && batch.wanted.boosts !== false && random.chance(0.1)) return boostFields(String(remote(random.int(0, 5000)).key))
  const post = batch.content.post(index)
  const parent = post.continuesThread && index > 0 ? String(batchKey(batch, index - 1)) : null
  const media = Array.from({ length: pictures }, (_, i) => pictureFields(createRandom(batch.name, 'picture', index, i).hex(8), batch.size))
  const fields = fieldsOfPost(post, media, post.mentions === null ? [] : [person(post.mentions)])
  const visibility = random.pick(['public', 'public', 'public', 'unlisted', 'private', 'direct'] as const)
  return { ...fields, visibility, inReplyTo: parent, inReplyToAccount: parent === null ? null : record.account.id }
}

/** A status of another server. */
export function remoteFields(record: StatusRecord, content: Content, person: People): StatusFields {
  const post = content.post(record.index)
  const media = post.pictures.map((_, i) => pictureFields(createRandom('remote', record.index, i).hex(8), undefined))
  return fieldsOfPost(post, media, post.mentions === null ? [] : [person(post.mentions)])
}

/** A scripted status. */
export function localFields(status: NewStatus, mentions: AccountRecord[], parent: StatusRecord | null, media: MediaFields[]): StatusFields {
  if (status.reblogOf !== undefined) return { ...boostFields(status.reblogOf), visibility: status.visibility ?? 'public' }
  const text = status.text ?? 'Hello from a simulated server'
  const poll = status.poll
    ? {
        options: status.poll.options,
        multiple: status.poll.multiple ?? false,
        expiresAt: status.poll.expiresAt ? new Date(status.poll.expiresAt).getTime() : null,
      }
    : null
  return {
    ...emptyFields,
    text,
    content: status.content ?? '',
    spoilerText: status.spoilerText ?? '',
    sensitive: status.sensitive ?? false,
    visibility: status.visibility ?? 'public',
    language: status.language === undefined ? 'en' : status.language,
    media,
    poll,
    link: status.link ?? null,
    tags: [...text.matchAll(/(?:^|\s)#([\p{L}\p{M}\p{N}_]+)/gu)].map((found) => found[1]!),
    mentions,
    emojis: status.emojis ?? [],
    inReplyTo: status.inReplyTo ?? null,
    inReplyToAccount: parent?.account.id ?? null,
    pinned: status.pinned ?? false,
  }
}

const emptyFields: StatusFields = {
  text: '',
  content: '',
  spoilerText: '',
  sensitive: false,
  visibility: 'public',
  language: null,
  media: [],
  poll: null,
  link: null,
  tags: [],
  mentions: [],
  emojis: [],
  inReplyTo: null,
  inReplyToAccount: null,
  reblogOf: null,
  pinned: false,
  editedAt: null,
}

function boostFields(reblogOf: string): StatusFields {
  return { ...emptyFields, reblogOf }
}

function fieldsOfPost(post: GeneratedPost, media: MediaFields[], mentions: AccountRecord[]): StatusFields {
  const words = [
    ...mentions.map((account) => `@${account.username}`),
    post.text,
    ...post.hashtags.map((tag) => `#${tag}`),
    ...(post.link === null ? [] : [post.link]),
  ]
  const text = words.join(' ')
  return {
    ...emptyFields,
    text,
    // Half of the hostile posts come as a careless or malicious server would send them.
    content: post.kind === 'hostile' && post.text.length % 2 === 0 ? `<p>${text}</p>` : '',
    spoilerText: post.warning ?? '',
    sensitive: post.warning !== null,
    language: post.language,
    media,
    poll: post.poll === null ? null : { options: post.poll, multiple: post.poll.length > 2, expiresAt: null },
    link: post.link,
    tags: post.hashtags,
    mentions,
    emojis: post.kind === 'emoji' ? ['blobcat'] : [],
  }
}

function pictureCount({ batch, index }: StatusRecord): number {
  if (!batch) return 0
  const { pictures, withMedia } = batch.wanted
  if (pictures !== undefined) return Math.floor(((index + 1) * pictures) / batch.count) - Math.floor((index * pictures) / batch.count)
  const random = createRandom(batch.name, 'pictures', index)
  const rate = withMedia === true ? 0.3 : Number(withMedia ?? 0)
  return random.chance(rate) ? random.pick([1, 1, 1, 2, 4]) : 0
}

function pictureFields(name: string, size: { width: number; height: number } | undefined): MediaFields {
  const picture = makePicture(name, size)
  return { name: `${name}.${picture.format}`, type: 'image', description: picture.alt, width: picture.width, height: picture.height }
}

import { AshevilleError, contentTypeSchema, instantSchema, type Revision, type Storage } from '@asheville/core'
import { z } from 'zod'
import type { AbsentItem } from './queries/absent.ts'
import { uploadOf } from './month-parts.ts'
import { conflictPath, itemKey } from './page-path.ts'
import { textOf } from './read-text.ts'

/** Where it lies. What the index knows of a person's decisions can be made again from this file alone. */
export const decisionsPath = 'decisions.json'

/** An item, by what it is on its network: the same item however often the index is made anew. */
export const subjectItemSchema = z.looseObject({ network: z.string(), account: z.string(), contentType: contentTypeSchema, id: z.string() })
export type SubjectItem = z.infer<typeof subjectItemSchema>

/** `at`: when it was decided. What a person added to a decision stays. */
const base = { at: instantSchema }

const kinds = [
  /** Taken out of its page file, by hand or on the website: it is not stored again. */
  z.looseObject({ kind: z.literal('removed'), ...base, item: subjectItemSchema }),
  /** The point of a picture that no cut may lose, from its left and its top, 0 to 1. */
  z.looseObject({ kind: z.literal('focal-point'), ...base, sha256: z.string(), x: z.number().min(0).max(1), y: z.number().min(0).max(1) }),
  /** These are not the same, whatever they look like. */
  z.looseObject({ kind: z.literal('not-the-same'), ...base, items: z.tuple([subjectItemSchema, subjectItemSchema]) }),
] as const

/** Something that a person decided about their copies. A new kind is one more entry of `kinds`, and of `subjectOf` where it needs one. */
export const decisionSchema = z.discriminatedUnion('kind', kinds)
export type Decision = z.infer<typeof decisionSchema>

/** What a decision is about: of the same kind and subject, a later one stands for an earlier. */
export function subjectOf(decision: Decision): string {
  switch (decision.kind) {
    case 'removed':
      return nameOf(decision.item)
    case 'focal-point':
      return decision.sha256
    case 'not-the-same':
      return JSON.stringify(decision.items.map(nameOf).sort())
  }
}

function nameOf({ network, account, contentType, id }: SubjectItem): string {
  return JSON.stringify([network, account, contentType, id])
}

/** That an item stays out, as the index has it. */
export function removedOf({ id, network, accountId, contentType, since }: AbsentItem): Decision {
  return { kind: 'removed', at: since, item: { network, account: accountId, contentType, id } }
}

/** Which items these decisions keep apart, by their keys. */
export function apartOf(decisions: readonly Decision[]): [string, string][] {
  const keyOf = ({ network, account: accountId, contentType, id }: SubjectItem) => itemKey({ network, accountId, contentType, id })
  return decisions.flatMap((decision): [string, string][] =>
    decision.kind === 'not-the-same' ? [[keyOf(decision.items[0]), keyOf(decision.items[1])]] : [],
  )
}

/** These decisions and those before them, in the order in which they were made; of two about the same, the later. */
export function withDecisions(before: readonly Decision[], more: readonly Decision[]): Decision[] {
  const bySubject = new Map<string, Decision>()
  for (const decision of [...before, ...more]) {
    const subject = `${decision.kind} ${subjectOf(decision)}`
    bySubject.delete(subject)
    bySubject.set(subject, decision)
  }
  return [...bySubject.values()]
}

/** What the person decided, oldest first. Kinds that this version does not know are left out. */
export async function readDecisions(storage: Storage, signal: AbortSignal): Promise<Decision[]> {
  return knownOf((await load(storage, signal)).lines)
}

const rounds = 5

/**
 * Changes what is decided. `change` is given what is decided now, and answers what shall be; it is called again when somebody else was quicker. What
 * comes to the same is not written. Kinds that this version does not know, and whatever else a person wrote into the file, stay.
 *
 * @returns what is decided from then on
 * Errors: the storage's; `unavailable` when others keep changing the file
 */
export async function changeDecisions(
  storage: Storage,
  change: (before: readonly Decision[]) => readonly Decision[],
  signal: AbortSignal,
): Promise<Decision[]> {
  for (let round = 0; round < rounds; round++) {
    const { header, lines, text, revision, unreadable } = await load(storage, signal)
    const after = [...change(knownOf(lines))]
    const printed = print(header, [...after, ...lines.filter((line) => !isKnown(line))])
    if (printed === text || (text === null && unreadable === null && after.length === 0)) return after
    if (unreadable !== null) await keep(storage, unreadable, signal)
    const [result] = await storage.put([uploadOf(decisionsPath, printed, revision)], signal)
    if (result?.outcome === 'stored') return after
    if (result?.outcome === 'failed') throw result.error
  }
  throw new AshevilleError('unavailable', 'The file decisions.json in your storage keeps changing', { retryAfterMs: 5000 })
}

interface Loaded {
  /** Everything but the decisions. */
  header: Record<string, unknown>
  lines: unknown[]
  text: string | null
  revision: Revision | null
  /** What there is, where it is not JSON of ours. */
  unreadable: string | null
}

const format = 1
const maxBytes = 32 * 1024 ** 2

async function load(storage: Storage, signal: AbortSignal): Promise<Loaded> {
  const got = await storage.get(decisionsPath, { signal })
  const empty = { header: { format }, lines: [], text: null, revision: null, unreadable: null }
  if (got === null || got === 'unchanged') return empty
  if (got.bytes > maxBytes) {
    got.body.destroy()
    throw new AshevilleError(
      'invalid',
      `The file ${decisionsPath} in your storage has grown beyond what Asheville reads; move it elsewhere`,
    )
  }
  const { revision } = got
  const text = await textOf(got.body)
  const value = parsed(text)
  const { decisions, ...header } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  if (Array.isArray(decisions)) return { header, lines: decisions, text, revision, unreadable: null }
  const saved = text.split('\n').flatMap((line) => parsed(line.trim().replace(/,$/, '')) ?? [])
  return { ...empty, lines: saved.filter(isKnown), revision, unreadable: text }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The person's own version stays beside ours, as with pages. */
async function keep(storage: Storage, text: string, signal: AbortSignal): Promise<void> {
  const copy = conflictPath(decisionsPath, new Date().toISOString().slice(0, 10), text)
  const [result] = await storage.put([uploadOf(copy, text, null)], signal)
  if (result?.outcome === 'failed') throw result.error
}

const isKnown = (line: unknown) => decisionSchema.safeParse(line).success

function knownOf(lines: readonly unknown[]): Decision[] {
  return withDecisions(
    [],
    lines.flatMap((line) => {
      const { data } = decisionSchema.safeParse(line)
      return data ? [data] : []
    }),
  )
}

/** One decision a line: opens in any editor, and differences show. */
function print(header: Record<string, unknown>, lines: readonly unknown[]): string {
  const properties = Object.entries(header).map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)},\n`)
  return `{\n${properties.join('')}"decisions": [${lines.map((line) => `\n${JSON.stringify(line)}`).join()}\n]\n}\n`
}

import { createHash, randomUUID } from 'node:crypto'
import { AshevilleError, typesOf, type AS2Object, type InputFault } from '@asheville/core'
import type { platformRoutes, SeenItem } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import { itemKey } from '../page-path.ts'
import { storeBatch, type StoreParts } from '../store-batch.ts'

export interface WriteParts extends StoreParts {
  /** Where what is no network's goes: the storage that the person connected first. Throws `conflict` when they have none. */
  homeOf(userId: string): Promise<string>
}

/** Where programs' items lie: `apps/<name of the token>/…`, beside the networks. */
const network = 'apps'
/** Programs have no leases: whoever comes first writes a month first. */
const fence = 1

/**
 * Items that a program writes, by the way that networks' items take. They say who wrote them and when, which nobody else can
 * (`asheville:` is ours), and lie apart by the name of the token, so that no program changes what is not its own.
 */
export function writeItems(parts: WriteParts): Handler<typeof platformRoutes.writeItems> {
  return async ({ userId, app, body, claim, response, signal }) => {
    if (!app) throw new AshevilleError('forbidden', 'Our own services write what networks gave them')
    const writable = typesOf(app.scopes, 'write')
    const refused = body.items.find(({ contentType }) => !writable.includes(contentType))
    if (refused) throw new AshevilleError('forbidden', `This token may not write ${refused.contentType}`)
    refuseOurs(body.items.map(({ object }) => object))

    const now = parts.now().toISOString()
    const provenance = { 'asheville:writtenBy': { type: 'Application', name: app.name }, 'asheville:writtenAt': now }
    const items = body.items.map(({ contentType, at = null, object }, index): SeenItem => {
      const id = object.id ?? `urn:uuid:${claim ? uuidOf(`${claim.id} ${index}`) : randomUUID()}`
      return {
        id,
        contentType,
        at,
        object: { ...object, id, ...provenance } as AS2Object,
        media: [],
        raw: null,
        seenAt: now,
        mediaStates: {},
      }
    })
    const account = { id: app.name, handle: app.name, title: app.name, url: null }
    const storageId = await parts.homeOf(userId)
    const batch = {
      storageId,
      connectionId: app.id,
      stream: 'written',
      fence,
      network,
      account,
      copies: 'keep' as const,
      items,
      gone: [],
      covers: [],
    }
    const { new: added, changed, unchanged, skipped } = await storeBatch(parts, userId, batch, signal)
    if (added > 0) response.status(201)
    const lost = new Set(skipped.map(({ id }) => id))
    return {
      items: items
        .filter(({ id }) => !lost.has(id))
        .map(({ id, contentType }) => ({ key: itemKey({ network, accountId: account.id, contentType, id }), id, contentType })),
      new: added,
      changed,
      unchanged,
      skipped,
    }
  }
}

/** Throws `invalid` where a program says what only we say: who wrote it, where its files lie. */
function refuseOurs(objects: readonly unknown[]): void {
  const faults: InputFault[] = []
  const look = (value: unknown, pointer: string) => {
    if (typeof value !== 'object' || value === null || faults.length >= 20) return
    for (const [name, inner] of Object.entries(value)) {
      const place = `${pointer}/${name.slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')}`
      if (/^asheville:/i.test(name)) faults.push({ pointer: place, message: 'What begins with asheville: is written by this server' })
      else look(inner, place)
    }
  }
  objects.forEach((object, index) => look(object, `/items/${index}/object`))
  if (faults.length > 0) throw new AshevilleError('invalid', faults[0]!.message, { faults })
}

/** The same for the same text (RFC 9562 §5.8): a request that is sent again writes the same item. */
function uuidOf(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x80
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

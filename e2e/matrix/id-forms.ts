import { randomUUID } from 'node:crypto'
import { makeAppToken } from '@asheville/clients'
import type { Belongings, Slot } from './samples.ts'
import { raw } from './write-request.ts'

/** Of everything what nobody has, in the form in which it would be. */
export function absentBelongings(): Belongings {
  return {
    userId: randomUUID(),
    sessionId: randomUUID(),
    sessionToken: Buffer.from(randomUUID() + randomUUID())
      .toString('base64url')
      .slice(0, 43),
    connectionId: randomUUID(),
    storageId: randomUUID(),
    syncId: randomUUID(),
    key: randomUUID().replaceAll('-', '').slice(0, 22),
    itemId: `https://nowhere.example/${randomUUID()}`,
    path: `media/2024/03/${randomUUID().replaceAll('-', '')}.png`,
    source: `https://nowhere.example/${randomUUID()}.png`,
    outboxId: randomUUID(),
    notificationId: randomUUID(),
    identityId: randomUUID(),
    passkeyId: randomUUID(),
    parkedId: randomUUID(),
    appTokenId: randomUUID(),
    appToken: makeAppToken(),
  }
}

/** Ids that are none, or the victim's in disguise. */
export function malformedIds({ part, kind }: Slot, victim: Belongings): { name: string; value: unknown }[] {
  const id = victim[kind]
  const isInAddress = part !== 'body'
  return [
    { name: '1e2', value: '1e2' },
    { name: '01', value: '01' },
    { name: 'array', value: [id, id] },
    { name: 'NUL', value: isInAddress ? raw(`${encodeURIComponent(id)}%00`) : `${id}\0` },
    { name: 'huge', value: '9'.repeat(isInAddress ? 6000 : 200_000) },
    { name: 'broken UTF-8', value: isInAddress ? raw('%ff%fe') : '\ud800' },
    { name: 'up', value: isInAddress ? raw('..') : '..' },
    { name: 'up, encoded', value: isInAddress ? raw('%2e%2e%2f%2e%2e') : '../..' },
    { name: 'a path below', value: isInAddress ? raw(`${encodeURIComponent(id)}%2f..%2f..`) : `${id}/../..` },
    ...(kind === 'path' && isInAddress
      ? [
          { name: 'another endpoint', value: raw('%2e%2e/%2e%2e/metrics') },
          { name: 'another route', value: raw('%2e%2e/counts') },
          { name: 'another route, plain', value: raw('media/../../items') },
        ]
      : []),
    { name: 'number', value: isInAddress ? '-1' : 1e300 },
    { name: 'object', value: isInAddress ? '[object Object]' : { $ne: null } },
  ]
}

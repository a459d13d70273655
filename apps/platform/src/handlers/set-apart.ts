import { AshevilleError } from '@asheville/core'
import type { platformRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import { apartOf, changeDecisions, subjectOf, withDecisions, type Decision } from '../decisions.ts'
import type { ListedRow } from '../queries/reading.ts'
import { rowsByKeys, saveKeptApart } from '../queries/same.ts'
import type { FocusParts } from './set-focus.ts'

/** It is the person's decision: first it is written down beside their copies, in each storage that has one of the two, then the index follows. */
export function setApart({ db, storageOf, now }: FocusParts): Handler<typeof platformRoutes.setApart> {
  return async ({ userId, body: { key, other, isApart }, signal }) => {
    const rows = await rowsByKeys(db, userId, [key, other])
    const [one, two = key === other ? one : undefined] = rows
    if (!one || !two) throw new AshevilleError('not-found', 'There is no such item')
    if (key === other && isApart) throw new AshevilleError('invalid', 'An item is the same as itself')
    const decision: Decision = { kind: 'not-the-same', at: now().toISOString(), items: [subjectItem(one), subjectItem(two)] }
    const isOther = (each: Decision) => each.kind !== decision.kind || subjectOf(each) !== subjectOf(decision)
    for (const storageId of new Set(rows.map((row) => row.storageId))) {
      const { storage } = await storageOf(userId, storageId)
      const decisions = await changeDecisions(
        storage,
        // Said again, it stays as it was said first.
        (before) => (!isApart ? before.filter(isOther) : before.every(isOther) ? withDecisions(before, [decision]) : before),
        signal,
      )
      await saveKeptApart(db, userId, storageId, apartOf(decisions))
    }
  }
}

function subjectItem({ network, accountId, contentType, id }: ListedRow) {
  return { network, account: accountId, contentType, id }
}

import type { platformRoutes } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { Handler } from '@asheville/service'
import { letAllGo, wantAllBack, listWantedMonths, countAbsent, type WantedMonth } from '../queries/absent.ts'
import { countCoverage, countMediaCoverage, wantMediaBack } from '../queries/coverage.ts'
import { beginVerification, listVerifications } from '../queries/verifications.ts'
import { readableTypes } from '../readable.ts'
import type { StorageOf } from '../storage-access.ts'

export interface VerifyParts {
  db: Database
  storageOf: StorageOf
  wake(): void
}

export function startVerification({ db, storageOf, wake }: VerifyParts): Handler<typeof platformRoutes.startVerification> {
  return async ({ userId, body: { storageId, isFolderGone } }) => {
    await storageOf(userId, storageId)
    const verification = await beginVerification(db, userId, storageId, { isFolderGone })
    wake()
    return verification
  }
}

export function getCoverage({ db }: Pick<VerifyParts, 'db'>): Handler<typeof platformRoutes.getCoverage> {
  return async ({ userId, app }) => {
    const types = readableTypes(app)
    const isSeen = ({ contentType }: { contentType: string }) => types === null || (types as readonly string[]).includes(contentType)
    // Files are of no content type, as with counts.
    const [stored, absent, media, verifications] = await Promise.all([
      countCoverage(db, userId),
      countAbsent(db, userId),
      types === null ? countMediaCoverage(db, userId) : [],
      listVerifications(db, userId, null),
    ])
    return {
      types: stored.filter(isSeen).map(({ accountId: _, ...row }) => row),
      absent: absent.filter(isSeen).map(({ accountId: _, ...row }) => row),
      media,
      verifications,
    }
  }
}

/** More months than this are walked as one range. */
const mostRanges = 24

export function prepareRepair({ db, storageOf }: VerifyParts): Handler<typeof platformRoutes.prepareRepair> {
  return async ({ userId, body: { storageId } }) => {
    await storageOf(userId, storageId)
    await wantAllBack(db, userId, storageId)
    const months = await listWantedMonths(db, userId, storageId)
    const media = await wantMediaBack(db, userId, storageId)
    const nameOf = (one: { connectionId: string; stream: string }) => JSON.stringify([one.connectionId, one.stream])
    const byStream = Map.groupBy([...months, ...media.map((one) => ({ ...one, month: undefined }))], nameOf)
    const streams = [...byStream.values()].map((wanted) => {
      const { connectionId, stream } = wanted[0]!
      return { connectionId, stream, ranges: rangesOf(wanted.flatMap(({ month }) => (month === undefined ? [] : [month]))) }
    })
    return { streams }
  }
}

export function leaveOut({ db, storageOf }: VerifyParts): Handler<typeof platformRoutes.leaveOut> {
  return async ({ userId, body: { storageId } }) => {
    await storageOf(userId, storageId)
    await letAllGo(db, userId, storageId)
  }
}

/** The ranges of these months, those that follow each other as one. What has no date is found by a walk through everything alone. */
function rangesOf(months: readonly WantedMonth['month'][]): { from: string | null; to: string | null }[] {
  if (months.includes(null)) return [{ from: null, to: null }]
  const ranges: { from: string; to: string }[] = []
  for (const month of [...months].filter((one) => one !== null).sort()) {
    const [year, number] = month.split('-').map(Number) as [number, number]
    const from = new Date(Date.UTC(year, number - 1)).toISOString()
    const to = new Date(Date.UTC(year, number)).toISOString()
    const last = ranges.at(-1)
    if (last?.to === from) last.to = to
    else ranges.push({ from, to })
  }
  return ranges.length > mostRanges ? [{ from: ranges[0]!.from, to: ranges.at(-1)!.to }] : ranges
}

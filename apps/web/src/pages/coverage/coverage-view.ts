import type { Connection, Coverage, NetworkStatus } from '@asheville/clients'
import type { ContentType } from '@asheville/core'

/** What the page shows of one content type of a connection. */
export interface TypeLine {
  contentType: ContentType
  stored: number
  verified: number
  bytes: number
  /** What the network says exists; null: it does not say. */
  available: number | null
  /** Months of which something is missing; `null`: without a date. */
  gaps: { month: string | null; items: number }[]
  missing: number
  takenOut: number
  oldest: string | null
  newest: string | null
}

export interface StorageView {
  id: string
  networks: { connectionId: string; network: string; handle: string | null; types: TypeLine[] }[]
  media: Coverage['media'][number] | null
  verification: Coverage['verifications'][number] | null
  /** Items and files that can be brought back, or at least tried. */
  repairable: number
  /** Of the missing items, those that were in files that the person deleted. */
  deleted: number
  /** Already deleted on their networks: nobody has them any more. */
  lost: number
  isWanted: boolean
}

/** What of each storage is stored, sound and missing, by network and content type; the networks' own counts beside it, where they are known. */
export function coverageView(
  coverage: Coverage,
  storages: readonly Connection[],
  networks: readonly NetworkStatus[] | null,
): StorageView[] {
  return storages.map(({ id }) => {
    const types = coverage.types.filter(({ storageId }) => storageId === id)
    const absent = coverage.absent.filter(({ storageId }) => storageId === id)
    const media = coverage.media.find(({ storageId }) => storageId === id) ?? null
    const names = new Map([...types, ...absent].map(({ connectionId, network }) => [connectionId, network]))
    const missing = absent.filter(({ cause }) => cause !== 'taken-out')
    const flawed = media === null ? 0 : media.missing + media.damaged
    return {
      id,
      networks: [...names].map(([connectionId, network]) => {
        const status = networks?.find(({ connection }) => connection.id === connectionId)
        const isHere = (one: { connectionId: string }) => one.connectionId === connectionId
        const lines = linesOf(types.filter(isHere), absent.filter(isHere), status)
        return { connectionId, network, handle: status?.connection.handle ?? null, types: lines }
      }),
      media,
      verification: coverage.verifications.find(({ storageId }) => storageId === id) ?? null,
      repairable: sum(missing.filter(({ wasGone }) => !wasGone)) + flawed,
      deleted: sum(missing.filter(({ cause }) => cause === 'page-deleted')),
      lost: sum(missing.filter(({ wasGone }) => wasGone)),
      isWanted: absent.some(({ isWanted, wasGone }) => isWanted && !wasGone),
    }
  })
}

function linesOf(types: Coverage['types'], absent: Coverage['absent'], status: NetworkStatus | undefined): TypeLine[] {
  const names = new Set([...types, ...absent].map(({ contentType }) => contentType))
  return [...names].sort().map((contentType) => {
    const stored = types.find((one) => one.contentType === contentType)
    const ofType = absent.filter((one) => one.contentType === contentType)
    const missing = ofType.filter(({ cause }) => cause !== 'taken-out')
    const months = Map.groupBy(missing, ({ month }) => month)
    return {
      contentType,
      stored: stored?.items ?? 0,
      verified: stored?.verified ?? 0,
      bytes: stored?.bytes ?? 0,
      available: status?.types.find((one) => one.contentType === contentType)?.available ?? null,
      gaps: [...months].map(([month, rows]) => ({ month, items: sum(rows) })),
      missing: sum(missing),
      takenOut: sum(ofType.filter(({ cause }) => cause === 'taken-out')),
      oldest: stored?.oldest ?? null,
      newest: stored?.newest ?? null,
    }
  })
}

const sum = (rows: readonly { items: number }[]) => rows.reduce((total, { items }) => total + items, 0)

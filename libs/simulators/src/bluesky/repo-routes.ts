import { lexToJson } from '@atproto/lex-json'
import type { Answer, Handler } from '../kit/index.ts'
import { didDocument } from './identity.ts'
import { cidOf } from './records.ts'
import type { Sessions } from './sessions.ts'
import type { Account, World } from './world.ts'
import { createXrpc, xrpcError } from './xrpc.ts'

type Add = (method: string, pattern: string, handler: Handler) => void
const car = (stream: AsyncIterable<Uint8Array>): Answer => ({ stream, headers: { 'content-type': 'application/vnd.ipld.car' } })

/** `com.atproto.repo.*` and `com.atproto.sync.*`: records one by one, in pages, or as CAR files; blobs. */
export function addRepoRoutes(add: Add, world: World, sessions: Sessions): void {
  const query = createXrpc(add, sessions)
  /** The account, or the answer that its repository is not to be had by this viewer. */
  function available(actor: string, viewer: string | null): Account | Answer {
    const account = world.accountBy(actor)
    if (!account) return xrpcError(400, 'RepoNotFound', `Could not find repo for DID: ${actor}`)
    if (viewer === account.did || account.status === 'active') return account
    const what = account.status === 'takendown' ? 'Takendown' : 'Deactivated'
    return xrpcError(400, `Repo${what}`, `Repo has been ${what.toLowerCase()}: ${actor}`)
  }
  const isAccount = (found: Account | Answer): found is Account => 'repo' in found

  query('com.atproto.repo.getRecord', async ({ need, get }) => {
    const person = world.personBy(need('repo'))
    const uri = `at://${person?.did ?? need('repo')}/${need('collection')}/${need('rkey')}`
    const found = person && (await world.recordAt(uri))
    if (!found || (get('cid') !== null && get('cid') !== found.cid))
      return xrpcError(400, 'RecordNotFound', `Could not locate record: ${uri}`)
    return { json: { uri: found.uri, cid: found.cid, value: lexToJson(found.value) } }
  })
  query('com.atproto.repo.listRecords', ({ need, get }) => {
    const account = world.accountBy(need('repo'))
    if (!account) return xrpcError(400, 'InvalidRequest', `Could not find repo: ${need('repo')}`)
    const collection = need('collection')
    const limit = Number(get('limit') ?? 50)
    if (!Number.isInteger(limit) || limit < 1 || limit > 100)
      return xrpcError(400, 'InvalidRequest', 'Error: limit can not be greater than 100')
    const page = account.repo.list(collection, { limit, cursor: get('cursor'), reverse: get('reverse') === 'true' })
    const records = page.map(({ rkey, cid }) => ({
      uri: `at://${account.did}/${collection}/${rkey}`,
      cid,
      value: lexToJson(account.repo.value(cid)),
    }))
    const last = page.at(-1)
    return { json: { records, ...(last ? { cursor: last.rkey } : {}) } }
  })
  query('com.atproto.repo.describeRepo', ({ need, call }) => {
    const account = available(need('repo'), null)
    if (!isAccount(account)) return account
    const { handle, did, repo } = account
    return {
      json: {
        handle,
        did,
        didDoc: didDocument(account, call.origin, repo.publicKey),
        collections: repo.collections(),
        handleIsCorrect: true,
      },
    }
  })

  query('com.atproto.sync.getRepo', ({ need, get, viewer }) => {
    const account = available(need('did'), viewer)
    return isAccount(account) ? car(account.repo.car(get('since'))) : account
  })
  query('com.atproto.sync.getRecord', ({ need, viewer }) => {
    const account = available(need('did'), viewer)
    return isAccount(account) ? car(account.repo.recordCar(need('collection'), need('rkey'))) : account
  })
  query('com.atproto.sync.getLatestCommit', ({ need, viewer }) => {
    const account = available(need('did'), viewer)
    if (!isAccount(account)) return account
    const { cid, rev } = account.repo.head()
    return { json: { cid, rev } }
  })
  query('com.atproto.sync.getRepoStatus', ({ need }) => {
    const account = world.accountBy(need('did'))
    if (!account) return xrpcError(400, 'RepoNotFound', `Could not find repo for DID: ${need('did')}`)
    const { did, status, repo } = account
    return { json: status === 'active' ? { did, active: true, rev: repo.head().rev } : { did, active: false, status } }
  })
  query('com.atproto.sync.getBlob', ({ need, viewer }) => {
    const account = available(need('did'), viewer)
    if (!isAccount(account)) return account
    const cid = cidOf(need('cid'))
    if (!cid) return xrpcError(400, 'InvalidRequest', 'Error: cid must be a cid string')
    const blob = world.blob(String(cid))
    if (!blob) return xrpcError(400, 'InvalidRequest', 'Blob not found')
    const headers = {
      'content-type': blob.mimeType,
      'x-content-type-options': 'nosniff',
      'content-disposition': `attachment; filename="${String(cid)}"`,
      'content-security-policy': "default-src 'none'; sandbox",
    }
    return { bytes: blob.bytes, headers }
  })
}

import { createHash } from 'node:crypto'
import { escapeXml, type Answer, type Call } from '../kit/index.ts'
import { md5, type Bucket } from './bucket.ts'
import { Refusal, xmlAnswer } from './errors.ts'
import type { S3Object } from './types.ts'

export type Asked = { call: Call; bucket: Bucket; name: string; key: string; payloadHash: string | null }
export type Settings = {
  conditions: 'heeded' | 'refused' | 'ignored'
  pageSize: number
  fits(bytes: number): boolean
  token(): string
}

/** Of every part but the last: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const minPartBytes = 5 * 1024 * 1024

const header = (call: Call, name: string): string | undefined => {
  const value = call.headers[name]
  return typeof value === 'string' ? value : undefined
}
const noSuchKey = () => new Refusal(404, 'NoSuchKey', 'The specified key does not exist.')
const noSuchUpload = () => new Refusal(404, 'NoSuchUpload', 'The specified upload does not exist.')
const failed = () => new Refusal(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold')

/** The operations of https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html that are here. */
export function createOperations({ conditions, pageSize, fits, token }: Settings) {
  async function body({ call, payloadHash }: Asked): Promise<Buffer> {
    const pieces: Buffer[] = []
    for await (const piece of call.incoming ?? [call.body]) pieces.push(piece)
    const data = Buffer.concat(pieces)
    const hash = createHash('sha256').update(data).digest()
    if (payloadHash !== null && payloadHash !== hash.toString('hex'))
      throw new Refusal(400, 'XAmzContentSHA256Mismatch', 'The provided x-amz-content-sha256 header does not match what was computed.')
    const checksum = header(call, 'x-amz-checksum-sha256')
    if (checksum !== undefined && checksum !== hash.toString('base64'))
      throw new Refusal(400, 'BadDigest', 'The SHA256 you specified did not match the calculated checksum.')
    const digest = header(call, 'content-md5')
    if (digest !== undefined && digest !== createHash('md5').update(data).digest('base64'))
      throw new Refusal(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.')
    return data
  }

  /** https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html */
  function checkConditions({ call, bucket, key }: Asked): void {
    const ifMatch = header(call, 'if-match')
    const ifNoneMatch = header(call, 'if-none-match')
    if (conditions === 'ignored' || (ifMatch === undefined && ifNoneMatch === undefined)) return
    if (conditions === 'refused' || (ifNoneMatch !== undefined && ifNoneMatch !== '*'))
      throw new Refusal(501, 'NotImplemented', 'A header you provided implies functionality that is not implemented')
    const found = bucket.objects.get(key)
    if (ifNoneMatch === '*' && found) throw failed()
    if (ifMatch === undefined) return
    if (!found) throw noSuchKey()
    if (ifMatch !== '*' && ifMatch !== found.etag) throw failed()
  }

  function checkSpace(bytes: number): void {
    if (!fits(bytes)) throw new Refusal(403, 'QuotaExceeded', 'The quota of this account is used up')
  }

  function headers({ etag, modified }: S3Object): Record<string, string> {
    return { etag, 'last-modified': new Date(modified).toUTCString(), 'accept-ranges': 'bytes', 'content-type': 'application/octet-stream' }
  }

  function get({ call, bucket, key }: Asked): Answer {
    const object = bucket.objects.get(key)
    if (!object) throw noSuchKey()
    const ifMatch = header(call, 'if-match')
    if (ifMatch !== undefined && ifMatch !== object.etag) throw failed()
    const ifNoneMatch = header(call, 'if-none-match')
    if (ifNoneMatch !== undefined && [object.etag, '*'].includes(ifNoneMatch)) return { status: 304, headers: headers(object) }
    const { data } = object
    const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(header(call, 'range') ?? '') ?? []
    if (from === '' && to === '') return { status: 200, bytes: data, headers: headers(object) }
    const start = from === '' ? Math.max(0, data.length - Number(to)) : Number(from)
    const end = from === '' || to === '' ? data.length - 1 : Math.min(Number(to), data.length - 1)
    if (start >= data.length) throw new Refusal(416, 'InvalidRange', 'The requested range is not satisfiable')
    return {
      status: 206,
      bytes: data.subarray(start, end + 1),
      headers: { ...headers(object), 'content-range': `bytes ${start}-${end}/${data.length}` },
    }
  }

  async function put(asked: Asked): Promise<Answer> {
    const { call, bucket, key } = asked
    if (call.headers['content-length'] === undefined)
      throw new Refusal(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.')
    if (Buffer.byteLength(key) > 1024) throw new Refusal(400, 'KeyTooLongError', 'Your key is too long')
    checkSpace(Number(call.headers['content-length']))
    checkConditions(asked)
    const data = await body(asked)
    checkConditions(asked)
    const { etag } = bucket.put(key, data)
    const checksum = header(call, 'x-amz-checksum-sha256')
    return { status: 200, headers: { etag, ...(checksum !== undefined && { 'x-amz-checksum-sha256': checksum }) } }
  }

  function remove({ bucket, key }: Asked): Answer {
    bucket.remove(key)
    return { status: 204 }
  }

  /** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
  function list({ call, bucket, name }: Asked): Answer {
    const { query } = call
    if (query.get('list-type') !== '2') throw new Refusal(501, 'NotImplemented', 'Only lists of version 2')
    const prefix = query.get('prefix') ?? ''
    const continuation = query.get('continuation-token')
    const after = continuation === null ? (query.get('start-after') ?? '') : Buffer.from(continuation, 'base64url').toString('utf8')
    const most = Math.min(Number(query.get('max-keys') ?? pageSize), pageSize)
    const encode =
      query.get('encoding-type') === 'url' ? (text: string) => encodeURIComponent(text).replaceAll('%2F', '/') : (text: string) => text
    const keys = [...bucket.objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort()
    const page = keys.slice(0, most)
    const isMore = keys.length > page.length
    const contents = page.map((key) => {
      const { data, etag, modified } = bucket.objects.get(key)!
      return `<Contents><Key>${escapeXml(encode(key))}</Key><LastModified>${new Date(modified).toISOString()}</LastModified><ETag>${escapeXml(etag)}</ETag><Size>${data.length}</Size><StorageClass>STANDARD</StorageClass></Contents>`
    })
    const next = isMore ? `<NextContinuationToken>${Buffer.from(page.at(-1)!).toString('base64url')}</NextContinuationToken>` : ''
    return xmlAnswer(
      `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>${name}</Name><Prefix>${escapeXml(encode(prefix))}</Prefix>` +
        `<KeyCount>${page.length}</KeyCount><MaxKeys>${most}</MaxKeys><IsTruncated>${isMore}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`,
    )
  }

  function beginUpload({ bucket, name, key }: Asked): Answer {
    const id = token()
    bucket.uploads.set(id, { key, parts: new Map() })
    return xmlAnswer(
      `<InitiateMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Bucket>${name}</Bucket><Key>${escapeXml(key)}</Key><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
    )
  }

  async function putPart(asked: Asked): Promise<Answer> {
    const { call, bucket, key } = asked
    const upload = bucket.uploads.get(call.query.get('uploadId') ?? '')
    if (upload?.key !== key) throw noSuchUpload()
    const number = Number(call.query.get('partNumber'))
    if (!Number.isInteger(number) || number < 1 || number > 10_000)
      throw new Refusal(400, 'InvalidArgument', 'Part number must be an integer between 1 and 10000')
    checkSpace(Number(call.headers['content-length']))
    const data = await body(asked)
    const etag = `"${md5(data)}"`
    upload.parts.set(number, { data, etag })
    return { status: 200, headers: { etag } }
  }

  async function completeUpload(asked: Asked): Promise<Answer> {
    const { call, bucket, name, key } = asked
    const id = call.query.get('uploadId') ?? ''
    const upload = bucket.uploads.get(id)
    if (upload?.key !== key) throw noSuchUpload()
    const text = (await body(asked)).toString('utf8')
    checkConditions(asked)
    const wanted = [...text.matchAll(/<Part>([\s\S]*?)<\/Part>/g)].map(([, part]) => ({
      number: Number(/<PartNumber>(\d+)</.exec(part!)?.[1]),
      etag: (/<ETag>([^<]*)</.exec(part!)?.[1] ?? '').replaceAll('&quot;', '"'),
    }))
    const parts = wanted.map(({ number, etag }, index) => {
      const part = upload.parts.get(number)
      if (!part || part.etag.replaceAll('"', '') !== etag.replaceAll('"', ''))
        throw new Refusal(400, 'InvalidPart', 'One or more of the specified parts could not be found.')
      if (index > 0 && wanted[index - 1]!.number >= number)
        throw new Refusal(400, 'InvalidPartOrder', 'The list of parts was not in ascending order.')
      if (index < wanted.length - 1 && part.data.length < minPartBytes)
        throw new Refusal(400, 'EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size')
      return part.data
    })
    if (parts.length === 0) throw new Refusal(400, 'MalformedXML', 'The XML you provided was not well-formed')
    const etag = `"${md5(Buffer.concat(parts.map((data) => createHash('md5').update(data).digest())))}-${parts.length}"`
    bucket.put(key, Buffer.concat(parts), etag)
    bucket.uploads.delete(id)
    return xmlAnswer(
      `<CompleteMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Bucket>${name}</Bucket><Key>${escapeXml(key)}</Key><ETag>${escapeXml(etag)}</ETag></CompleteMultipartUploadResult>`,
    )
  }

  function abortUpload({ call, bucket }: Asked): Answer {
    if (!bucket.uploads.delete(call.query.get('uploadId') ?? '')) throw noSuchUpload()
    return { status: 204 }
  }

  return { get, put, remove, list, beginUpload, putPart, completeUpload, abortUpload }
}

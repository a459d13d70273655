import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { Call } from '../kit/index.ts'
import { Refusal } from './errors.ts'
import type { Keys } from './types.ts'

const skewMs = 15 * 60_000
const hex = (data: string): string => createHash('sha256').update(data).digest('hex')
const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest()

/**
 * Checks Signature Version 4 in the Authorization header; answers the hash that the body must have, or null where it is not signed.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export function checkSignature(call: Call, keys: readonly Keys[], region: string, now: number): string | null {
  const { headers } = call
  const header = headers.authorization
  if (header === undefined) throw new Refusal(403, 'AccessDenied', 'Access Denied')
  const [, credential = '', signedHeaders = '', signature = ''] =
    /^AWS4-HMAC-SHA256\s+Credential=([^,]+),\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-f]{64})$/.exec(header) ?? []
  const [accessKeyId = '', date = '', itsRegion = '', ...scope] = credential.split('/')
  if (scope.join('/') !== 's3/aws4_request') throw new Refusal(400, 'AuthorizationHeaderMalformed', 'The authorization header is malformed')
  if (itsRegion !== region)
    throw new Refusal(400, 'AuthorizationHeaderMalformed', `The region '${itsRegion}' is wrong; expecting '${region}'`, { Region: region })
  const key = keys.find((each) => each.accessKeyId === accessKeyId)
  if (!key) throw new Refusal(403, 'InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.')
  const amzDate = String(headers['x-amz-date'] ?? '')
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(amzDate) ?? []
  if (!amzDate.startsWith(date) || Math.abs(Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`) - now) > skewMs)
    throw new Refusal(403, 'RequestTimeTooSkewed', 'The difference between the request time and the current time is too large.')
  const payload = String(headers['x-amz-content-sha256'] ?? '')
  if (payload === '') throw new Refusal(400, 'MissingSecurityHeader', 'x-amz-content-sha256 is missing')
  if (payload.startsWith('STREAMING-')) throw new Refusal(501, 'NotImplemented', 'Bodies signed piece by piece are not understood here')
  const names = signedHeaders.split(';')
  for (const name of Object.keys(headers))
    if ((name === 'host' || name.startsWith('x-amz-')) && !names.includes(name))
      throw new Refusal(403, 'AccessDenied', 'There were headers present in the request which were not signed', { HeadersNotSigned: name })
  const canonical = [
    call.method,
    call.path,
    canonicalQuery(call.query),
    ...names.map(
      (name) =>
        `${name}:${String(headers[name] ?? '')
          .trim()
          .replace(/ +/g, ' ')}`,
    ),
    '',
    signedHeaders,
    payload,
  ].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', amzDate, `${date}/${region}/s3/aws4_request`, hex(canonical)].join('\n')
  const signingKey = ['s3', 'aws4_request'].reduce((made, part) => hmac(made, part), hmac(hmac(`AWS4${key.secretAccessKey}`, date), region))
  const expected = createHmac('sha256', signingKey).update(toSign).digest('hex')
  if (signature.length !== expected.length || !timingSafeEqual(Buffer.from(signature), Buffer.from(expected)))
    throw new Refusal(403, 'SignatureDoesNotMatch', 'The request signature we calculated does not match the signature you provided.')
  return payload === 'UNSIGNED-PAYLOAD' ? null : payload
}

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)

function canonicalQuery(query: URLSearchParams): string {
  return [...query]
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([one, a], [other, b]) => (one < other || (one === other && a < b) ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

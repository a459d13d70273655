import { createHash, createHmac } from 'node:crypto'

/** Makes a bucket, as its owner would with a tool of theirs: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
export async function makeBucket(url: string, name: string, keys: { accessKeyId: string; secretAccessKey: string }): Promise<void> {
  const at = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  const day = at.slice(0, 8)
  const empty = createHash('sha256').digest('hex')
  const signed = { host: new URL(url).host, 'x-amz-content-sha256': empty, 'x-amz-date': at }
  const lines = Object.entries(signed).map(([header, value]) => `${header}:${value}\n`)
  const names = Object.keys(signed).join(';')
  const request = ['PUT', `/${name}`, '', lines.join(''), names, empty].join('\n')
  const scope = `${day}/us-east-1/s3/aws4_request`
  const text = ['AWS4-HMAC-SHA256', at, scope, createHash('sha256').update(request).digest('hex')].join('\n')
  const key = scope
    .split('/')
    .reduce<Buffer | string>((last, part) => createHmac('sha256', last).update(part).digest(), `AWS4${keys.secretAccessKey}`)
  const signature = createHmac('sha256', key).update(text).digest('hex')
  const authorization = `AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`
  const { host: _, ...headers } = signed
  const answer = await fetch(`${url}/${name}`, { method: 'PUT', headers: { ...headers, authorization } })
  if (!answer.ok) throw new Error(`No bucket: ${answer.status} ${await answer.text()}`)
}

import { join } from 'node:path'
import { createRandom, createSimulator, keepFiles, type Answer, type Call, type KeptFiles, type Simulator } from '../kit/index.ts'
import { createBucket, type Bucket } from './bucket.ts'
import { Refusal, errorAnswer } from './errors.ts'
import { createOperations, type Asked } from './operations.ts'
import { checkSignature } from './signature.ts'
import type { Keys, S3Options, S3Truth } from './types.ts'

export type { Keys as S3Keys, S3Options, S3Truth, TrueObject } from './types.ts'
export type S3Simulator = Awaited<ReturnType<typeof startS3>>

/**
 * Starts a server that speaks the S3 REST API (docs.aws.amazon.com/AmazonS3/latest/API) over plain HTTP, with Signature Version 4. Buckets are
 * named by the path or, where its address has a name, by `<bucket>.<host>`.
 */
export async function startS3(options: S3Options = {}) {
  const now = options.now ?? Date.now
  const random = createRandom(options.seed ?? 1, 's3')
  const region = options.region ?? 'us-east-1'
  const quotaBytes = options.quotaBytes ?? 2 * 1024 ** 3
  const kept: KeptFiles[] = []
  const buckets = new Map<string, Bucket>()
  for (const name of options.buckets ?? ['copies']) {
    const bucket = createBucket(now)
    if (options.keptIn !== undefined) {
      const files = await keepFiles(join(options.keptIn, name))
      for (const { path, data } of files.found) bucket.put(path, data)
      bucket.watch(files)
      kept.push(files)
    }
    buckets.set(name, bucket)
  }
  let keys: Keys[] = []
  let reserved = 0
  const used = () => [...buckets.values()].reduce((sum, bucket) => sum + bucket.used(), 0)
  const operations = createOperations({
    conditions: options.conditions ?? 'heeded',
    pageSize: options.pageSize ?? 1000,
    fits: (bytes) => used() + reserved + bytes <= quotaBytes,
    token: () => random.hex(32),
  })
  const issueKeys = (): Keys => {
    const issued = { accessKeyId: `AKIA${random.hex(8).toUpperCase()}`, secretAccessKey: random.hex(20) }
    keys.push(issued)
    return issued
  }
  const main = issueKeys()
  const script = {
    issueKeys,
    /** All keys are refused from now on. */
    revokeKeys: () => void (keys = []),
    /** Leaves so many bytes of space. */
    fill: (bytesLeft: number) => void (reserved = Math.max(0, quotaBytes - used() - bytesLeft)),
    free: () => void (reserved = 0),
    put: (key: string, text: string, bucket = [...buckets.keys()][0]!) => void buckets.get(bucket)!.put(key, Buffer.from(text)),
    remove: (key: string, bucket = [...buckets.keys()][0]!) => buckets.get(bucket)!.remove(key),
  }

  function placeOf(call: Call): { name: string; key: string } {
    const host = String(call.headers.host ?? '').replace(/:\d+$/, '')
    const own = new URL(call.origin).hostname
    const path = decodeURIComponent(call.path.slice(1))
    if (host !== own && host.endsWith(`.${own}`)) return { name: host.slice(0, -own.length - 1), key: path }
    if (options.onlyVirtualHosts) throw new Refusal(400, 'InvalidRequest', 'Please use virtual hosted style to access.')
    const slash = path.indexOf('/')
    return slash === -1 ? { name: path, key: '' } : { name: path.slice(0, slash), key: path.slice(slash + 1) }
  }

  async function serve(call: Call): Promise<Answer> {
    try {
      const payloadHash = checkSignature(call, keys, region, now())
      const { name, key } = placeOf(call)
      const bucket = buckets.get(name)
      if (!bucket) throw new Refusal(404, 'NoSuchBucket', 'The specified bucket does not exist')
      const answer = await act({ call, bucket, name, key, payloadHash })
      return { ...answer, headers: { 'x-amz-request-id': '4442587FB7D0A2F9', 'x-amz-bucket-region': region, ...answer.headers } }
    } catch (error) {
      if (error instanceof Refusal) return error.answer
      throw error
    }
  }

  function act(asked: Asked): Answer | Promise<Answer> {
    const { call, key } = asked
    const { method, query } = call
    if (key === '') {
      if (method === 'HEAD') return { status: 200 }
      if (method === 'GET') return operations.list(asked)
    } else {
      const isPart = query.has('uploadId')
      if (method === 'GET' || method === 'HEAD') return operations.get(asked)
      if (method === 'PUT') return isPart ? operations.putPart(asked) : operations.put(asked)
      if (method === 'DELETE') return isPart ? operations.abortUpload(asked) : operations.remove(asked)
      if (method === 'POST' && query.has('uploads')) return operations.beginUpload(asked)
      if (method === 'POST' && isPart) return operations.completeUpload(asked)
    }
    throw new Refusal(501, 'NotImplemented', 'A header or query you provided implies functionality that is not implemented')
  }

  const simulator: Simulator = await createSimulator(
    {
      name: 's3',
      rateLimited: () => errorAnswer(503, 'SlowDown', 'Please reduce your request rate.'),
      serverError: (status) => errorAnswer(status, status === 500 ? 'InternalError' : 'ServiceUnavailable', 'Please try again.'),
      unauthorized: () => errorAnswer(403, 'InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.'),
      notFound: () => errorAnswer(405, 'MethodNotAllowed', 'The specified method is not allowed against this resource.'),
      takesStream: (routeKey) => routeKey.startsWith('PUT '),
      truth,
      script,
    },
    (add) => {
      for (const method of ['GET', 'PUT', 'DELETE', 'POST']) add(method, '/*', serve)
    },
    options,
  )
  function truth(): S3Truth {
    return Object.fromEntries([...buckets].map(([name, bucket]) => [name, bucket.truth()]))
  }
  const stop = simulator.close.bind(simulator)
  async function close(): Promise<void> {
    await stop()
    await Promise.all(kept.map((files) => files.settled()))
  }
  return Object.assign(simulator as Omit<Simulator, 'truth'>, script, { keys: main, region, truth, close })
}

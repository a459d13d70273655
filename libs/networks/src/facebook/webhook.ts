import { createHmac, timingSafeEqual } from 'node:crypto'
import { AshevilleError, type Webhook } from '@asheville/core'
import { z } from 'zod'

const signatureHeader = 'x-hub-signature-256'

/** Which of our streams has something new when a field of a person has: https://developers.facebook.com/docs/graph-api/webhooks/reference/user/ */
const streamsOf: Readonly<Record<string, readonly string[]>> = {
  feed: ['posts'],
  photos: ['photos'],
  videos: ['videos'],
  likes: ['likes'],
  events: ['events'],
}

/** With “include values” each change comes with what it was; else the names of the fields alone. */
const sentSchema = z.object({
  object: z.string(),
  entry: z.array(
    z.object({
      id: z.string(),
      changed_fields: z.array(z.string()).default([]),
      changes: z.array(z.object({ field: z.string() })).default([]),
    }),
  ),
})

/** https://developers.facebook.com/docs/graph-api/webhooks/getting-started; what the operator does at Facebook: README.md. */
export const webhook: Webhook = {
  headers: [signatureHeader],

  confirm(query, variables) {
    const token = variables['FACEBOOK_VERIFY_TOKEN'] ?? ''
    const isFacebook = token !== '' && isSame(query['hub.verify_token'] ?? '', token) && query['hub.mode'] === 'subscribe'
    return isFacebook ? (query['hub.challenge'] ?? null) : null
  },

  hints({ headers, body }, variables) {
    const secret = variables['FACEBOOK_CLIENT_SECRET'] ?? ''
    const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
    if (secret === '' || !isSame(headers[signatureHeader] ?? '', signature))
      throw new AshevilleError('forbidden', 'This is not signed by Facebook')
    const { object, entry } = readSent(body)
    if (object !== 'user') return []
    return entry.map(({ id, changed_fields, changes }) => {
      const fields = [...changed_fields, ...changes.map(({ field }) => field)]
      return { accountId: id, streams: [...new Set(fields.flatMap((field) => streamsOf[field] ?? []))] }
    })
  },
}

function readSent(body: Uint8Array): z.infer<typeof sentSchema> {
  try {
    return sentSchema.parse(JSON.parse(Buffer.from(body).toString()))
  } catch (cause) {
    throw new AshevilleError('invalid', 'Facebook sent something that is not understood', { cause })
  }
}

function isSame(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)]
  return left.length === right.length && timingSafeEqual(left, right)
}

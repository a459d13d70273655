import { createHmac } from 'node:crypto'
import type { FacebookApp } from './types.ts'

/** What Facebook sends by itself, ready to be sent. */
export interface SentByFacebook {
  headers: Record<string, string>
  body: Uint8Array
}

/**
 * Notifications of changes to people, and the question that comes before them: https://developers.facebook.com/docs/graph-api/webhooks/getting-started.
 * Characters beyond ASCII are escaped, as the signature is of that.
 */
export function createWebhooks(app: Required<FacebookApp>, now: () => number) {
  return {
    /** `fields` of that person have changed; with `values` each change comes with what it was. */
    notification(id: string, fields: readonly string[], { values = false } = {}): SentByFacebook {
      const time = Math.floor(now() / 1000)
      const changes = fields.map((field) => ({ field, value: { verb: 'update', object_id: '10211885744794461', note: 'Grüße' } }))
      const entry = values ? { id, time, changes } : { id, uid: id, time, changed_fields: fields }
      const text = JSON.stringify({ object: 'user', entry: [entry] }).replace(
        /[\u0080-\uffff]/g,
        (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
      )
      const body = Buffer.from(text)
      const signature = createHmac('sha256', app.secret).update(body).digest('hex')
      return { headers: { 'content-type': 'application/json', 'x-hub-signature-256': `sha256=${signature}` }, body }
    },

    /** What is asked of a new address, with the token that the operator wrote in the app's settings. */
    question(verifyToken: string): { query: Record<string, string>; answer: string } {
      const challenge = String(1_000_000_000 + (now() % 1_000_000_000))
      return { query: { 'hub.mode': 'subscribe', 'hub.challenge': challenge, 'hub.verify_token': verifyToken }, answer: challenge }
    },
  }
}

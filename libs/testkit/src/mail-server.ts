import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { simpleParser } from 'mailparser'
import { SMTPServer } from 'smtp-server'

export interface ReceivedMail {
  from: string
  to: string
  subject: string
  messageId: string
  text: string
  html: string
  /** Addresses in the text. */
  links: string[]
}

/** A real SMTP server on this machine, which keeps what it is sent. */
export interface MailServer {
  /** As `SMTP_URL` takes it. */
  url: string
  port: number
  /** All of it, in the order of arrival. */
  mails: ReceivedMail[]
  /** Addresses that it refuses for good. */
  refused: Set<string>
  /** The newest mail to that address about something; waits for it. */
  mailTo(to: string, subject?: RegExp): Promise<ReceivedMail>
  close(): Promise<void>
}

const patienceMs = 90_000

/** Starts it on a port (any free one unless said). `login`: it takes mail only from who signs in so. */
export async function startMailServer({
  port = 0,
  login,
}: { port?: number; login?: { user: string; pass: string } } = {}): Promise<MailServer> {
  const mails: ReceivedMail[] = []
  const refused = new Set<string>()
  const server = new SMTPServer({
    logger: false,
    authOptional: !login,
    allowInsecureAuth: true,
    hideSTARTTLS: true,
    disableReverseLookup: true,
    closeTimeout: 100,
    onAuth: ({ username, password }, _session, answer) =>
      username === login?.user && password === login?.pass ? answer(null, { user: username }) : answer(new Error('Wrong')),
    onRcptTo: ({ address }, _session, answer) =>
      refused.has(address) ? answer(Object.assign(new Error(`No such mailbox: ${address}`), { responseCode: 550 })) : answer(),
    onData(stream, { envelope }, answer) {
      simpleParser(stream).then(
        ({ subject = '', messageId = '', text = '', html }) => {
          for (const { address } of envelope.rcptTo)
            mails.push({
              from: envelope.mailFrom ? envelope.mailFrom.address : '',
              to: address,
              subject,
              messageId,
              text,
              html: html || '',
              links: text.match(/https?:\/\/[^\s<>"]+/g) ?? [],
            })
          answer()
        },
        (error: unknown) => answer(error as Error),
      )
    },
  })
  server.on('error', () => undefined)
  server.listen(port, '127.0.0.1')
  await once(server.server, 'listening')
  const taken = (server.server.address() as AddressInfo).port
  const credentials = login ? `${encodeURIComponent(login.user)}:${encodeURIComponent(login.pass)}@` : ''

  return {
    url: `smtp://${credentials}127.0.0.1:${taken}`,
    port: taken,
    mails,
    refused,
    async mailTo(to, subject = /./) {
      const until = Date.now() + patienceMs
      for (;;) {
        const found = mails.findLast((mail) => mail.to === to && subject.test(mail.subject))
        if (found) return found
        if (Date.now() > until)
          throw new Error(`No mail to ${to} about ${subject}; there are ${mails.map((mail) => mail.subject).join(', ')}`)
        await delay(50)
      }
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

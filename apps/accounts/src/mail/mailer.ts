import { createTransport } from 'nodemailer'

export interface MailSettings {
  /** `smtp://` or `smtps://`, with user and password where the server asks for them. */
  url: string
  /** `Name <address>`, or the address alone. */
  from: string
}

export interface Letter {
  /** Fixed for each mail, so that one that arrives twice can be recognised. */
  id: string
  to: string
  subject: string
  text: string
  html: string
}

export interface Mailer {
  /** Hands it over to the mail server; throws a `MailRefusal` when that does not take it, or cannot be asked. */
  send(letter: Letter): Promise<void>
  close(): void
}

/**
 * Why a mail was not taken. It holds what may be logged: servers repeat addresses in their answers, so those are left out.
 * `isFinal`: this mail to this person will not be taken later either.
 */
export class MailRefusal extends Error {
  override name = 'MailRefusal'
  readonly facts: Readonly<Record<string, string | number>>
  readonly isFinal: boolean

  constructor(facts: Readonly<Record<string, string | number>>, isFinal: boolean) {
    super(`Mail was not taken: ${Object.values(facts).join(' ')}`)
    this.facts = facts
    this.isFinal = isFinal
  }
}

const waitMs = 15_000
const sendMs = 60_000

/** Sends by SMTP. A user and password leave this machine encrypted or not at all. */
export function createMailer({ url, from }: MailSettings): Mailer {
  const { hostname, username, protocol } = new URL(url)
  const transport = createTransport({
    url,
    pool: true,
    maxConnections: 2,
    connectionTimeout: waitMs,
    greetingTimeout: waitMs,
    socketTimeout: waitMs,
    dnsTimeout: waitMs,
    requireTLS: protocol === 'smtp:' && username !== '' && !isLoopback(hostname),
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const [, domain = 'localhost'] = /@([\w.-]+)>?\s*$/.exec(from) ?? []

  return {
    async send({ id, ...letter }) {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new MailRefusal({ code: 'ETIMEDOUT' }, false)), sendMs)
      })
      try {
        await Promise.race([
          transport.sendMail({
            ...letter,
            from,
            messageId: `<${id}@${domain}>`,
            headers: { 'Auto-Submitted': 'auto-generated' },
          }),
          late,
        ])
      } catch (error) {
        throw refusalOf(error)
      } finally {
        clearTimeout(timer)
      }
    },
    close: () => transport.close(),
  }
}

function isLoopback(hostname: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)
}

function refusalOf(error: unknown): MailRefusal {
  if (error instanceof MailRefusal) return error
  const { code, command, responseCode } = error as { code?: unknown; command?: unknown; responseCode?: unknown }
  const facts = Object.fromEntries(
    Object.entries({ code, command, responseCode }).filter(
      (entry): entry is [string, string | number] =>
        typeof entry[1] === 'number' || (typeof entry[1] === 'string' && /^[\w ]{1,30}$/.test(entry[1])),
    ),
  )
  // What the server says to signing in or to our own address is about this installation, not about this mail.
  const isOfMail = command === 'RCPT TO' || command === 'DATA'
  return new MailRefusal(facts, isOfMail && typeof responseCode === 'number' && responseCode >= 500)
}

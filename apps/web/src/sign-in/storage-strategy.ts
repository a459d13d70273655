import { AshevilleError } from '@asheville/core'
import passport from 'passport'
import { deviceOf } from '../keep-session.ts'
import { leaveAddress } from '../leave.ts'
import type { Site } from '../site.ts'
import type { SignInOptions } from './passport.ts'

/** Signing in asks servers that nobody here knows; they get this long. */
const storageMs = 25_000

/**
 * Signs in with one storage, whichever it is: what its login needs is data of its adapter, which accounts has. Accounts makes the
 * address, keeps what is pending (state, verifier, where to go afterwards) for the browser with this visitor cookie, and checks
 * the answer. Only pages that this site made itself lead out of it.
 */
export class StorageStrategy extends passport.Strategy {
  // Passport works on objects derived from this one, which private fields would shut out.
  private readonly site: Site
  private readonly provider: string

  constructor(site: Site, provider: string) {
    super()
    this.site = site
    this.provider = provider
  }

  override authenticate(_request: unknown, options: SignInOptions): void {
    const work = options.callback ? this.finish(options, options.callback) : this.begin(options)
    work.catch((error: unknown) => this.error(error))
  }

  private async begin({ visit, fields, returnTo }: SignInOptions): Promise<void> {
    const { accounts } = this.site.backends(visit, storageMs)
    const body = { provider: this.provider, fields, visitor: this.visitor(visit), address: deviceOf(visit).address, returnTo }
    const { url } = await accounts.beginSignIn({ body })
    visit.response.set('cache-control', 'no-store')
    this.redirect(leaveAddress(this.site, visit, `/sign-in/${this.provider}`, url), 303)
  }

  private async finish({ visit }: SignInOptions, callback: Readonly<Record<string, string>>): Promise<void> {
    const { accounts } = this.site.backends(visit, storageMs)
    const { locale } = this.site.texts(visit)
    const body = { provider: this.provider, visitor: this.visitor(visit), callback, device: deviceOf(visit), locale }
    this.success(await accounts.finishSignIn({ body }))
  }

  /** Whoever has none did not begin here. */
  private visitor({ request }: SignInOptions['visit']): string {
    const { visitor } = this.site.state(request)
    if (visitor === null || visitor.length < 20 || visitor.length > 200)
      throw new AshevilleError(
        'forbidden',
        'This answer does not belong to anything that you began here in the last ten minutes. Begin again',
      )
    return visitor
  }
}

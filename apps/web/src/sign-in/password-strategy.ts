import passport from 'passport'
import { textOf } from '../form-faults.ts'
import { deviceOf } from '../keep-session.ts'
import type { Site } from '../site.ts'
import { passwordMs } from '../start-session.ts'
import type { SignInOptions } from './passport.ts'

/** E-mail and password, as a form of ours sends them. */
export class PasswordStrategy extends passport.Strategy {
  // Passport works on objects derived from this one, which private fields would shut out.
  private readonly site: Site

  constructor(site: Site) {
    super()
    this.site = site
  }

  override authenticate(_request: unknown, { visit, fields, returnTo }: SignInOptions): void {
    const { accounts } = this.site.backends(visit, passwordMs)
    const body = { email: fields.email ?? '', password: textOf(visit.form, 'password'), device: deviceOf(visit) }
    accounts.createSession({ body }).then(
      (opened) => this.success({ ...opened, returnTo, isNew: false }),
      (error: unknown) => this.error(error),
    )
  }
}

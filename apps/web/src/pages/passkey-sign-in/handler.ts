import { AshevilleError, kindOf } from '@asheville/core'
import { page, type Binding, type Visit } from '@asheville/service'
import { sign } from '../../forgery.ts'
import { faultsOf, statusOf, textOf } from '../../form-faults.ts'
import { deviceOf, keepSession } from '../../keep-session.ts'
import { passkeyMs, passkeyOrigin, passkeyScripts } from '../../passkey-support.ts'
import { safeReturnTo } from '../../return-to.ts'
import type { Site } from '../../site.ts'

/** `/passkeys/sign-in`: what a visitor's browser is to have signed, and its answer; the sign-in page's script sends both. */
export function passkeySignInPages(site: Site): Binding[] {
  /** What was asked of one browser is of no use to another. */
  const visitorOf = ({ request }: Visit): string => {
    const { visitor } = site.state(request)
    if (visitor === null) throw new AshevilleError('forbidden', 'This page was too old, or your browser does not keep cookies.')
    return sign(site.settings.secret, 'passkey', visitor)
  }

  return [
    page('POST', '/passkeys/sign-in/options', { who: 'visitor' }, async (visit) => {
      const body = { visitor: visitorOf(visit), device: deviceOf(visit) }
      visit.response.set('cache-control', 'no-store').json(await site.backends(visit).accounts.beginPasskeySignIn({ body }))
    }),
    page('POST', '/passkeys/sign-in', { who: 'visitor' }, async (visit) => {
      const { t } = site.texts(visit)
      const given = (name: string) => textOf(visit.form, name)
      const returnTo = safeReturnTo(given('returnTo'))
      const answer = {
        credentialId: given('credentialId'),
        clientDataJSON: given('clientDataJSON'),
        authenticatorData: given('authenticatorData'),
        signature: given('signature'),
        userHandle: given('userHandle'),
      }
      try {
        const body = { visitor: visitorOf(visit), device: deviceOf(visit), ...answer }
        await keepSession(site, visit, await site.backends(visit, passkeyMs).accounts.finishPasskeySignIn({ body }))
      } catch (error) {
        const kind = kindOf(error)
        const fault =
          kind === 'unavailable'
            ? t('sign-in.impossible')
            : kind === 'unauthenticated' || kind === 'invalid'
              ? t('passkeys.wrong')
              : faultsOf(error, [], t).whole
        site.show(visit, {
          view: 'pages/passkey-sign-in/view.ejs',
          title: t('sign-in.title'),
          status: statusOf(error),
          hasForm: true,
          hasScenery: true,
          scripts: passkeyScripts(site),
          model: { fault, returnTo, origin: passkeyOrigin(site) },
        })
        return
      }
      site.redirect(visit, returnTo ?? '/status')
    }),
  ]
}

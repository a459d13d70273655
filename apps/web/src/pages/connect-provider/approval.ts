import type { Visit } from '@asheville/service'
import { faultsOf, statusOf, textOf } from '../../form-faults.ts'
import { webLink } from '../../network-html.ts'
import { sessionOf, type Site } from '../../site.ts'
import { goOn, offerSecond } from './finish.ts'
import { connectMs, providerOf, showConnect } from './show.ts'

/** Leads to the page of the person's own server where they allow it, in a tab of its own: it does not send them back. */
export function showApproval(site: Site, visit: Visit, { url, approval }: { url: string; approval: string }, isEarly = false): void {
  const { t } = site.texts(visit)
  const { id } = providerOf(site, visit)
  const { host } = new URL(url)
  site.show(visit, {
    view: 'pages/connect-provider/approval.ejs',
    title: t('connect.approve-title', { host }),
    nav: 'connect',
    scripts: ['approval.js'],
    model: { id, approval, host, to: webLink(url), isEarly },
  })
}

/** The person says that they have allowed it, or has come back to our tab. */
export async function finishApproval(site: Site, visit: Visit): Promise<void> {
  const { t } = site.texts(visit)
  const session = sessionOf(site, visit)
  const { id } = providerOf(site, visit)
  const approval = textOf(visit.form, 'approval').slice(0, 200)
  const { accounts } = site.backends(visit, connectMs)
  try {
    const step = await accounts.finishApproval({ body: { provider: id, sessionId: session.id, approval }, userId: session.user.id })
    if (step.next === 'connected') return await goOn(site, visit, step.connection)
    showApproval(site, visit, { url: step.url, approval }, true)
  } catch (error) {
    if (await offerSecond(site, visit, error)) return
    await showConnect(site, visit, { values: {}, reconnects: null, faults: faultsOf(error, [], t) }, statusOf(error))
  }
}

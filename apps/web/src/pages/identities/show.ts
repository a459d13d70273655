import type { Visit } from '@asheville/service'
import { noFaults, type FormFaults } from '../../form-faults.ts'
import { oauthLogin, signInStorages } from '../../sign-in/sign-in-storages.ts'
import { sessionOf, type Site } from '../../site.ts'
import { shownFields } from '../connect-provider/show.ts'

export interface Told {
  fault: string | null
  done: string | null
  /** Of a form that was sent: which storage's, and what was typed. */
  sent?: { id: string; values: Record<string, string>; faults: FormFaults }
}

/** Shows how the person can sign in, and what else they could sign in with. */
export async function showIdentities(site: Site, visit: Visit, { fault, done, sent }: Told, status = 200): Promise<void> {
  const { t } = site.texts(visit)
  const { accounts } = site.backends(visit)
  const { user } = sessionOf(site, visit)
  const [{ identities }, storages] = await Promise.all([accounts.listIdentities({ userId: user.id }), signInStorages(site, visit)])
  const ways = identities.map(({ id, provider, server, handle, providerUserId, lastUsedAt, isRemovable }) => {
    const isLocal = provider === 'local'
    const title = isLocal ? t('identities.password') : (site.storages.find((storage) => storage.id === provider)?.title ?? provider)
    const where = server === null ? null : new URL(server).host
    return { id, provider, isLocal, title, where, handle: handle ?? providerUserId, lastUsedAt, isRemovable }
  })
  const addable = storages.map(({ id, title }) => {
    const storage = site.storages.find((each) => each.id === id)
    const login = storage && oauthLogin(storage)
    const mine = sent?.id === id ? sent : undefined
    return { id, title, fields: login ? shownFields(login, mine?.values ?? {}, mine?.faults ?? noFaults) : [] }
  })
  site.show(visit, {
    view: 'pages/identities/view.ejs',
    title: t('identities.title'),
    nav: 'settings',
    status,
    model: { ways, addable, fault, done },
  })
}

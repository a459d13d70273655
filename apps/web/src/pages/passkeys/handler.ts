import type { Passkey } from '@asheville/clients'
import { AshevilleError } from '@asheville/core'
import { page, type Binding, type Visit } from '@asheville/service'
import { faultsOf, statusOf, textOf } from '../../form-faults.ts'
import { passkeyMs, passkeyOrigin, passkeyScripts } from '../../passkey-support.ts'
import { sessionOf, type Site } from '../../site.ts'
import { passwordMs } from '../../start-session.ts'

interface Told {
  done?: string | null
  fault?: string | null
  /** What was written as a name, for which passkey, and what is wrong with it. */
  name?: string
  renaming?: string | null
  nameFault?: string | undefined
  status?: number
}

/** `/settings/passkeys`: which there are, another one, another name, and taking one away (asked first). */
export function passkeysPages(site: Site): Binding[] {
  const who = (visit: Visit) => {
    const { id: sessionId, user } = sessionOf(site, visit)
    return { sessionId, userId: user.id }
  }
  const list = async (visit: Visit) => (await site.backends(visit).accounts.listPasskeys({ userId: who(visit).userId })).passkeys

  const show = async (visit: Visit, { done = null, fault = null, name = '', renaming = null, nameFault, status = 200 }: Told = {}) => {
    const { t } = site.texts(visit)
    const profile = site.backends(visit).accounts.getProfile({ userId: who(visit).userId })
    const [passkeys, { hasPassword }] = await Promise.all([list(visit), profile])
    site.show(visit, {
      view: 'pages/passkeys/view.ejs',
      title: t('passkeys.title'),
      nav: 'settings',
      status,
      scripts: passkeyScripts(site),
      model: { passkeys, hasPassword, origin: passkeyOrigin(site), done, fault, name, renaming, nameFault },
    })
  }

  const find = async (visit: Visit): Promise<Passkey> => {
    const passkey = (await list(visit)).find(({ id }) => id === visit.params.id)
    if (!passkey) throw new AshevilleError('not-found', 'There is no such passkey')
    return passkey
  }

  const ask = (visit: Visit, passkey: Passkey, fault: string | null, status = 200) => {
    const { t } = site.texts(visit)
    const title = t('passkeys.remove-title')
    site.show(visit, { view: 'pages/passkeys/remove.ejs', title, nav: 'settings', status, model: { passkey, fault } })
  }

  return [
    page('GET', '/settings/passkeys', { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const done: Record<string, string> = { added: t('passkeys.added'), renamed: t('passkeys.renamed'), removed: t('passkeys.removed') }
      await show(visit, { done: done[visit.query.done ?? ''] ?? null })
    }),
    page('POST', '/settings/passkeys/options', { who: 'person' }, async (visit) => {
      const { userId, sessionId } = who(visit)
      const { t } = site.texts(visit)
      const { response } = visit
      const current = textOf(visit.form, 'current') || null
      try {
        const options = await site.backends(visit, passwordMs).accounts.beginPasskey({ userId, body: { sessionId, current } })
        response.set('cache-control', 'no-store').json(options)
      } catch (error) {
        const { fields, whole } = faultsOf(error, ['current'], t)
        const status = statusOf(error)
        const problem = { type: 'about:blank', status, detail: fields.current ?? whole }
        response.set('cache-control', 'no-store').status(status).type('application/problem+json').json(problem)
      }
    }),
    page('POST', '/settings/passkeys', { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const { userId, sessionId } = who(visit)
      const given = (name: string) => textOf(visit.form, name)
      const name = given('name').trim()
      const transports = given('transports').split(',').filter(Boolean)
      const answer = {
        credentialId: given('credentialId'),
        clientDataJSON: given('clientDataJSON'),
        attestationObject: given('attestationObject'),
        transports,
      }
      try {
        const body = { sessionId, name: name === '' ? t('passkeys.unnamed') : name, ...answer }
        await site.backends(visit, passkeyMs).accounts.addPasskey({ userId, body })
      } catch (error) {
        const { fields, whole } = faultsOf(error, ['name'], t)
        return show(visit, { fault: whole, name, nameFault: fields.name, status: statusOf(error) })
      }
      site.redirect(visit, '/settings/passkeys?done=added')
    }),
    page('POST', '/settings/passkeys/:id/rename', { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const { id } = await find(visit)
      const name = textOf(visit.form, 'name').trim()
      try {
        const body = { name }
        await site.backends(visit).accounts.renamePasskey({ userId: who(visit).userId, params: { passkeyId: id }, body })
      } catch (error) {
        const { fields, whole } = faultsOf(error, ['name'], t)
        return show(visit, { fault: whole, name, renaming: id, nameFault: fields.name, status: statusOf(error) })
      }
      site.redirect(visit, '/settings/passkeys?done=renamed')
    }),
    page('GET', '/settings/passkeys/:id/remove', { who: 'person' }, async (visit) => ask(visit, await find(visit), null)),
    page('POST', '/settings/passkeys/:id/remove', { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const passkey = await find(visit)
      try {
        await site.backends(visit).accounts.removePasskey({ userId: who(visit).userId, params: { passkeyId: passkey.id } })
      } catch (error) {
        return ask(visit, passkey, faultsOf(error, [], t).whole, statusOf(error))
      }
      site.redirect(visit, '/settings/passkeys?done=removed')
    }),
  ]
}

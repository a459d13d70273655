import { appTokenDays, type AppToken } from '@asheville/clients'
import { acts, AshevilleError, contentTypes, scopes, typesOf, type Act, type Scope } from '@asheville/core'
import { page, type Binding, type Form, type Visit } from '@asheville/service'
import { faultsOf, noFaults, statusOf, textOf, type FormFaults } from '../../form-faults.ts'
import type { Translate } from '../../i18n.ts'
import { sessionOf, type Site } from '../../site.ts'
import { passwordMs } from '../../start-session.ts'

interface Told {
  /** Of the token that was just made: this page alone ever shows it. */
  secret?: string
  done?: string | null
  faults?: FormFaults
  form?: Form | null
  status?: number
}

/** `/settings/apps`: which programs have access by a token, another one, and taking one back (asked first). */
export function appsPages(site: Site): Binding[] {
  const who = (visit: Visit) => {
    const { id: sessionId, user } = sessionOf(site, visit)
    return { sessionId, userId: user.id }
  }
  const list = async (visit: Visit) => (await site.backends(visit).accounts.listAppTokens({ userId: who(visit).userId })).tokens

  const show = async (visit: Visit, { secret = '', done = null, faults = noFaults, form = null, status = 200 }: Told = {}) => {
    const { t } = site.texts(visit)
    const profile = site.backends(visit).accounts.getProfile({ userId: who(visit).userId })
    const [tokens, { hasPassword }] = await Promise.all([list(visit), profile])
    site.show(visit, {
      view: 'pages/apps/view.ejs',
      title: t('apps.title'),
      nav: 'settings',
      status,
      scripts: secret === '' ? [] : ['copy.js'],
      model: {
        tokens: tokens.map((token) => shownToken(token, t)),
        secret,
        done,
        faults,
        hasPassword,
        acts,
        contentTypes,
        ticked: new Set(ticked(form)),
        name: textOf(form, 'name'),
        days: appTokenDays.map((days) => ({ value: String(days), text: daysText(days, t), isChosen: days === chosenDays(form) })),
      },
    })
  }

  const find = async (visit: Visit): Promise<AppToken> => {
    const token = (await list(visit)).find(({ id }) => id === visit.params.id)
    if (!token) throw new AshevilleError('not-found', 'There is no such token')
    return token
  }

  return [
    page('GET', '/settings/apps', { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      await show(visit, { done: visit.query.done === 'revoked' ? t('apps.revoked') : null })
    }),
    page('POST', '/settings/apps', { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const { userId, sessionId } = who(visit)
      const { form } = visit
      const body = {
        sessionId,
        current: textOf(form, 'current') || null,
        name: textOf(form, 'name'),
        scopes: chosenScopes(form),
        days: chosenDays(form),
      }
      try {
        const { secret } = await site.backends(visit, passwordMs).accounts.createAppToken({ userId, body })
        await show(visit, { secret })
      } catch (error) {
        await show(visit, { faults: faultsOf(error, ['name', 'current', 'scopes'], t), form, status: statusOf(error) })
      }
    }),
    page('GET', '/settings/apps/:id/revoke', { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const token = await find(visit)
      site.show(visit, { view: 'pages/apps/revoke.ejs', title: t('apps.revoke-title'), nav: 'settings', model: { token } })
    }),
    page('POST', '/settings/apps/:id/revoke', { who: 'person' }, async (visit) => {
      const { id } = await find(visit)
      await site.backends(visit).accounts.revokeAppToken({ userId: who(visit).userId, params: { appTokenId: id } })
      site.redirect(visit, '/settings/apps?done=revoked')
    }),
  ]
}

/** What is ticked, as it was sent: scopes, and `everything:read` for all of an act. */
function ticked(form: Form | null): string[] {
  return [form?.['scope'] ?? []].flat()
}

function chosenScopes(form: Form | null): Scope[] {
  const names = new Set(ticked(form))
  return scopes.filter((scope) => names.has(scope) || names.has(`everything:${actOf(scope)}`))
}

function actOf(scope: Scope): Act {
  return scope.endsWith(':read') ? 'read' : 'write'
}

function chosenDays(form: Form | null): (typeof appTokenDays)[number] {
  const at = appTokenDays.findIndex((days) => String(days) === textOf(form, 'days'))
  return appTokenDays[at === -1 ? 1 : at]!
}

function daysText(days: number | null, t: Translate): string {
  return days === null ? t('apps.endless') : t('apps.days', { count: days })
}

function shownToken(token: AppToken, t: Translate) {
  const may = acts.flatMap((act) => {
    const types = typesOf(token.scopes, act)
    if (types.length === 0) return []
    const what = types.length === contentTypes.length ? t('apps.everything') : types.map((type) => t(`type.${type}`)).join(', ')
    return [t(act === 'read' ? 'apps.reads' : 'apps.writes', { what })]
  })
  return { ...token, may, hasEnded: token.expiresAt !== null && Date.parse(token.expiresAt) <= Date.now() }
}

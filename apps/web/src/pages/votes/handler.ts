import { page, type Binding, type Visit } from '@asheville/service'
import { sessionOf, type Site } from '../../site.ts'

/** A vote for what is planned, from the home page, and taking it back. */
export function votesPages(site: Site): Binding[] {
  const change = (name: 'putVote' | 'withdrawVote') => async (visit: Visit) => {
    const { user } = sessionOf(site, visit)
    await site.backends(visit).accounts[name]({ userId: user.id, params: { provider: visit.params.provider ?? '' } })
    site.redirect(visit, '/#next')
  }
  return [
    page('POST', '/votes/:provider', { who: 'person' }, change('putVote')),
    page('POST', '/votes/:provider/withdraw', { who: 'person' }, change('withdrawVote')),
  ]
}

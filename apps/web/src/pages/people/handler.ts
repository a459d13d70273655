import { page, type Binding } from '@asheville/service'
import { ownerOf } from '../../owner-of.ts'
import type { Site } from '../../site.ts'

const perPage = 50

/** `/admin/people`: who uses this server, for its owner; for everybody else there is no such page. */
export function peoplePages(site: Site): Binding[] {
  return [
    page('GET', '/admin/people', { who: 'person' }, async (visit) => {
      const { t } = site.texts(visit)
      const { user } = ownerOf(site, visit)
      const { cursor = '', search = '' } = visit.query
      const query = { limit: perPage, search: search.slice(0, 320), ...(cursor !== '' && { cursor: cursor.slice(0, 200) }) }
      const { users, next } = await site.backends(visit).accounts.listUsers({ userId: user.id, query })
      const more = new URLSearchParams({ ...(search !== '' && { search }), ...(next !== null && { cursor: next }) })
      site.show(visit, {
        view: 'pages/people/view.ejs',
        title: t('people.title'),
        nav: 'settings',
        model: {
          people: users,
          search,
          isWhole: search === '' && cursor === '',
          next: next === null ? null : `/admin/people?${more.toString()}`,
        },
      })
    }),
  ]
}

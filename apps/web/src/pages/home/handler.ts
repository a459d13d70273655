import { page, type Binding } from '@asheville/service'
import type { Site } from '../../site.ts'

/** How long totals and setup are waited for: the page says less rather than coming late. */
const extrasWaitMs = 400

/** `/`: what Asheville is, for anyone. It answers with every other service down. */
export function homePages(site: Site): Binding[] {
  return [
    page('GET', '/', { who: 'visitor' }, async (visit) => {
      const { t } = site.texts(visit)
      const { accounts } = site.backends(visit, extrasWaitMs)
      const [totals, setup] = await Promise.all([
        accounts.getTotals({}).catch(() => null),
        visit.person ? null : accounts.getSetup({}).catch(() => null),
      ])
      const connections = Object.values(totals?.connections ?? {}).reduce((sum, count) => sum + count, 0)
      site.show(visit, {
        view: 'pages/home/view.ejs',
        title: t('home.page-title'),
        description: t('home.lead'),
        isWide: true,
        model: {
          action: visit.person ? 'status' : setup && !setup.hasOwner ? 'welcome' : setup?.signUpOpen ? 'sign-up' : 'sign-in',
          mayAlsoSignIn: Boolean(setup?.hasOwner && setup.signUpOpen),
          totals: totals && totals.people > 0 ? { people: totals.people, connections } : null,
          networks: byUse(site, totals?.connections ?? {}),
          storages: site.storages.map(({ id, title, description, website }) => ({ id, title, description, website })),
          questions: ['own', 'which', 'leave', 'deleted', 'tokens', 'cost'].map((key) => ({
            question: t(`home.question.${key}`),
            answer: t(`home.answer.${key}`),
          })),
        },
      })
    }),
  ]
}

/** Networks, most used first, with the content types that people get from them. */
function byUse(site: Site, connections: Record<string, number>) {
  return site.networks
    .map(({ id, title, description, website, streams }) => ({
      id,
      title,
      description,
      website,
      contentTypes: [...new Set(streams.flatMap((stream) => stream.contentTypes))],
    }))
    .sort((a, b) => (connections[b.id] ?? 0) - (connections[a.id] ?? 0))
}

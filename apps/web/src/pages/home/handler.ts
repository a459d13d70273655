import { plannedNetworks } from '@asheville/networks'
import { page, type Binding } from '@asheville/service'
import { plannedStorages } from '@asheville/storages'
import type { Site } from '../../site.ts'

/** How long totals and setup are waited for: the page says less rather than coming late. */
const extrasWaitMs = 400

/** `/`: what Asheville is, for anyone. It answers with every other service down. */
export function homePages(site: Site): Binding[] {
  return [
    page('GET', '/', { who: 'visitor' }, async (visit) => {
      const { t } = site.texts(visit)
      const { accounts } = site.backends(visit, extrasWaitMs)
      const [totals, votes, setup] = await Promise.all([
        accounts.getTotals({}).catch(() => null),
        visit.person ? accounts.listVotes({ userId: visit.person.userId }).catch(() => null) : null,
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
          planned: plannedBy(site, totals?.votes ?? null, votes?.providers ?? null),
          mayVote: visit.person !== null && votes !== null,
          questions: ['own', 'which', 'leave', 'deleted', 'tokens', 'cost'].map((key) => ({
            question: t(`home.question.${key}`),
            answer: t(`home.answer.${key}`),
          })),
        },
      })
    }),
  ]
}

/** What can be voted for, most wanted first. Nobody's votes are shown while they are not known. */
function plannedBy(site: Site, votes: Record<string, number> | null, own: readonly string[] | null) {
  const isThere = (id: string) => [...site.networks, ...site.storages].some((adapter) => adapter.id === id)
  const shown = (kind: 'network' | 'storage', planned: readonly { id: string; title: string }[]) =>
    planned
      .filter(({ id }) => !isThere(id))
      .map(({ id, title }) => ({ id, title, kind, votes: votes && (votes[id] ?? 0), isOwn: own?.includes(id) ?? false }))
      .sort((a, b) => (b.votes ?? 0) - (a.votes ?? 0))
  return [
    { key: 'networks', planned: shown('network', plannedNetworks) },
    { key: 'storages', planned: shown('storage', plannedStorages) },
  ].filter(({ planned }) => planned.length > 0)
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

import { contentTypeSchema, type ContentType } from '@asheville/core'
import { page, type Binding, type Visit } from '@asheville/service'
import type { Site } from '../../site.ts'
import { connectionOf } from './connection-of.ts'

/** `/connections/:id/clear`: what was copied is removed from the storage, by content type. What goes is said, and chosen, before. */
export function clearPages(site: Site): Binding[] {
  const show = async (visit: Visit, fault: string | null) => {
    const { t } = site.texts(visit)
    const { params, userId } = connectionOf(site, visit)
    const connection = await site.backends(visit).accounts.getConnection({ params, userId })
    const { networks } = await site.backends(visit).conductor.getStatus({ userId })
    const types = networks.find(({ connection: { id } }) => id === connection.id)?.types ?? []
    const network = site.networkTitle(connection.provider)
    site.show(visit, {
      view: 'pages/connection/clear.ejs',
      title: t('clear.title', { network }),
      nav: 'status',
      ...(fault !== null && { status: 422 }),
      model: {
        connection,
        network,
        fault,
        // What cannot be counted just now may be there.
        types: types.filter(({ word, stored }) => word !== 'clearing' && stored !== 0),
      },
    })
  }

  return [
    page('GET', '/connections/:id/clear', { who: 'person' }, (visit) => show(visit, null)),
    page('POST', '/connections/:id/clear', { who: 'person' }, async (visit) => {
      const contentTypes = Object.keys(visit.form ?? {}).filter(isContentType)
      if (contentTypes.length === 0) return show(visit, site.texts(visit).t('clear.choose'))
      await site.backends(visit).conductor.clearConnection({ ...connectionOf(site, visit), body: { contentTypes } })
      site.redirect(visit, '/status?done=cleared')
    }),
  ]
}

const isContentType = (name: string): name is ContentType => contentTypeSchema.safeParse(name).success

import { page, type Binding } from '@asheville/service'
import type { Site } from '../../site.ts'
import { appsDocument } from '../api/apps-document.ts'
import { operationsOf } from './reference.ts'

/** `/developers`: how a program reaches its person's copies, and all that it may ask for; made from the OpenAPI document. */
export function developersPages(site: Site): Binding[] {
  const operations = operationsOf(appsDocument(site.settings.version))
  return [
    page('GET', '/developers', { who: 'visitor' }, async (visit) => {
      const { t } = site.texts(visit)
      site.show(visit, {
        view: 'pages/developers/view.ejs',
        title: t('developers.title'),
        description: t('developers.lead'),
        model: { operations, origin: site.settings.webUrl },
      })
    }),
  ]
}

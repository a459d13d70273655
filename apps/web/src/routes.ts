import { networks } from '@asheville/networks'
import { routeTable, type RouteRow } from '@asheville/service'
import { storages } from '@asheville/storages'
import { webBindings } from './app.ts'
import { loadAssets } from './assets.ts'
import { createSessions } from './sessions.ts'
import { createSite } from './site.ts'

/** Every page of the website with its policy, in the order of matching, without starting anything: for tests that walk over all of them. */
export function webTable(): RouteRow[] {
  const nowhere = 'http://127.0.0.1:9'
  const settings = {
    webUrl: nowhere,
    secret: '',
    urls: { accounts: nowhere, conductor: nowhere, platform: nowhere },
    pageDeadlineMs: 0,
    localStorageDir: null,
    version: '',
  }
  const sign = () => Promise.reject(new Error('A table of routes calls nobody'))
  return routeTable(webBindings(createSite({ settings, sign, networks, storages, assets: loadAssets(), sessions: createSessions() })))
}

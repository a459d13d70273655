import { appRoutes } from '@asheville/clients'
import { createAppsOpenApi } from '@asheville/service'

const description =
  'A person’s copies, for programs that they trust. They make a token at /settings/apps; it opens what they chose and nothing else. How to begin: /developers.'

/** OpenAPI 3.1 of what people's programs may call. */
export function appsDocument(version: string): ReturnType<typeof createAppsOpenApi> {
  return createAppsOpenApi({ title: 'Asheville', version, description }, appRoutes)
}

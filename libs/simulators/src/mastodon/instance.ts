import type { Handler } from '../kit/index.ts'
import { supportedScopes } from './scopes.ts'

type Add = (method: string, pattern: string, handler: Handler) => void
type Parts = { version: string; isModern: boolean; statusCount: () => number; userCount: number }

const mimeTypes = [
  'image/jpeg',
  'image/png',
  'image/gif',
  'image/heic',
  'image/webp',
  'video/webm',
  'video/mp4',
  'audio/mpeg',
  'audio/ogg',
  'audio/flac',
]
const configuration = {
  accounts: { max_featured_tags: 10, max_pinned_statuses: 5 },
  statuses: { max_characters: 500, max_media_attachments: 4, characters_reserved_per_url: 23 },
  media_attachments: {
    supported_mime_types: mimeTypes,
    image_size_limit: 16_777_216,
    image_matrix_limit: 33_177_600,
    video_size_limit: 103_809_024,
    video_frame_rate_limit: 120,
    video_matrix_limit: 8_294_400,
  },
  polls: { max_options: 4, max_characters_per_option: 50, min_expiration: 300, max_expiration: 2_629_746 },
}
const rules = [{ id: '1', text: 'Be kind', hint: '', translations: {} }]
const title = 'A simulated Mastodon server'
const description = 'For tests of programs that read from Mastodon'

/** What a server says of itself: both instance entities and, from 4.3, the OAuth metadata of RFC 8414. */
export function addInstance(add: Add, { version, isModern, statusCount, userCount }: Parts): void {
  add('GET', '/api/v2/instance', ({ origin }) => ({
    json: {
      domain: new URL(origin).host,
      title,
      version,
      source_url: 'https://github.com/mastodon/mastodon',
      description,
      usage: { users: { active_month: userCount } },
      thumbnail: { url: `${origin}/media/site_uploads/files/original/57c12f441d083cde.png`, blurhash: null, versions: {} },
      icon: [],
      languages: ['en'],
      configuration: {
        urls: {
          streaming: origin.replace('http', 'ws'),
          status: null,
          about: `${origin}/about`,
          privacy_policy: `${origin}/privacy-policy`,
          terms_of_service: null,
        },
        vapid: { public_key: 'BCk-QqERU0q-CfYZjcuB6lnyyOYfJ2AifKqfeGIm7Z-HiTU5T9eTG5GxVA0_OH5mMlI4UkkDTpaZwozy0TzdZ2M=' },
        ...configuration,
        translation: { enabled: false },
        limited_federation: false,
      },
      registrations: { enabled: false, approval_required: false, reason_required: false, message: null, min_age: null, url: null },
      api_versions: { mastodon: isModern ? 7 : 1 },
      contact: { email: 'staff@mail.example', account: null },
      rules,
    },
  }))
  add('GET', '/api/v1/instance', ({ origin }) => ({
    json: {
      uri: new URL(origin).host,
      title,
      short_description: description,
      description,
      email: 'staff@mail.example',
      version,
      urls: { streaming_api: origin.replace('http', 'ws') },
      stats: { user_count: userCount, status_count: statusCount(), domain_count: 2 },
      thumbnail: `${origin}/media/site_uploads/files/original/57c12f441d083cde.png`,
      languages: ['en'],
      registrations: false,
      approval_required: false,
      invites_enabled: true,
      configuration,
      contact_account: null,
      rules: rules.map(({ id, text }) => ({ id, text })),
    },
  }))
  if (!isModern) return
  add('GET', '/.well-known/oauth-authorization-server', ({ origin }) => ({
    json: {
      issuer: `${origin}/`,
      service_documentation: 'https://docs.joinmastodon.org/',
      authorization_endpoint: `${origin}/oauth/authorize`,
      token_endpoint: `${origin}/oauth/token`,
      app_registration_endpoint: `${origin}/api/v1/apps`,
      revocation_endpoint: `${origin}/oauth/revoke`,
      userinfo_endpoint: `${origin}/oauth/userinfo`,
      scopes_supported: supportedScopes(true),
      response_types_supported: ['code'],
      response_modes_supported: ['query', 'fragment', 'form_post'],
      grant_types_supported: ['authorization_code', 'client_credentials'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      code_challenge_methods_supported: ['S256'],
    },
  }))
}

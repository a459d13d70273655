import { optional, struct, text } from './arguments.ts'
import type { RouteParts } from './routes.ts'

const echoArg = struct({ query: optional(text(undefined, 500), '') })

/** Account, space and `check/user`. */
export function addUserRoutes({ endpoint }: Pick<RouteParts, 'endpoint'>): void {
  endpoint({
    name: 'users/get_current_account',
    style: 'rpc',
    scope: 'account_info.read',
    read: null,
    run: ({ place: { account } }) => {
      const shown = account.name.charAt(0).toUpperCase() + account.name.slice(1)
      return {
        account_id: account.id,
        name: {
          given_name: shown,
          surname: 'Example',
          familiar_name: shown,
          display_name: `${shown} Example`,
          abbreviated_name: `${shown.charAt(0)}E`,
        },
        email: account.email,
        email_verified: true,
        disabled: false,
        country: 'DE',
        locale: 'en',
        referral_link: 'https://www.dropbox.com/referrals/AAA',
        is_paired: false,
        account_type: { '.tag': 'basic' },
        root_info: { '.tag': 'user', root_namespace_id: account.rootNamespace, home_namespace_id: account.rootNamespace },
      }
    },
  })
  endpoint({
    name: 'users/get_space_usage',
    style: 'rpc',
    scope: 'account_info.read',
    read: null,
    run: ({ place }) => {
      const { used, allocated } = place.tree.space()
      return { used, allocation: { '.tag': 'individual', allocated } }
    },
  })
  endpoint({
    name: 'check/user',
    style: 'rpc',
    scope: 'account_info.read',
    read: echoArg,
    run: ({ arg }) => ({ result: arg.query }),
  })
}

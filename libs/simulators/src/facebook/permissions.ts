import type { Person } from './records.ts'

/** Permissions that an app may ask people for (developers.facebook.com/docs/permissions), and what the page says of each, in our words. */
export const permissions: Record<string, string> = {
  public_profile: 'your name and profile picture',
  email: 'your e-mail address',
  user_birthday: 'your birthday',
  user_events: 'your events',
  user_friends: 'your friends who use this app',
  user_hometown: 'your home town',
  user_likes: 'the pages that you like',
  user_link: 'a link to your profile',
  user_location: 'where you live',
  user_photos: 'your photos',
  user_posts: 'your posts',
  user_tagged_places: 'places that you were at',
  user_videos: 'your videos',
}

/**
 * Enters what a person answered in the dialog. What they allowed before stays; what they declined before is asked again only by
 * `auth_type=rerequest`. The public profile cannot be declined.
 */
export function answerDialog(person: Person, asked: readonly string[], ticked: ReadonlySet<string>, isRerequest: boolean): void {
  person.permissions.set('public_profile', 'granted')
  for (const name of asked) {
    const before = person.permissions.get(name)
    if (before === undefined || (before === 'declined' && isRerequest))
      person.permissions.set(name, ticked.has(name) ? 'granted' : 'declined')
  }
}

export const may = (person: Person, permission: string): boolean => person.permissions.get(permission) === 'granted'

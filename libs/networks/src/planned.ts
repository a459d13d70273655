/** A network that people can vote for, under the id that its adapter will have. */
export interface Planned {
  readonly id: string
  readonly title: string
}

/** Networks that are planned; one that has its adapter is not offered any more, whether it is still named here or not. */
export const plannedNetworks: readonly Planned[] = [
  { id: 'instagram', title: 'Instagram' },
  { id: 'threads', title: 'Threads' },
  { id: 'youtube', title: 'YouTube' },
  { id: 'tiktok', title: 'TikTok' },
  { id: 'linkedin', title: 'LinkedIn' },
  { id: 'reddit', title: 'Reddit' },
  { id: 'tumblr', title: 'Tumblr' },
  { id: 'flickr', title: 'Flickr' },
  { id: 'pinterest', title: 'Pinterest' },
  { id: 'github', title: 'GitHub' },
  { id: 'foursquare', title: 'Foursquare' },
  { id: 'pixelfed', title: 'Pixelfed' },
]

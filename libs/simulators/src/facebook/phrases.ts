import type { NewPlace } from './types.ts'

/** Names and texts of an ordinary life on Facebook, written for this project. */
export const pages = [
  'The Slow Train Society',
  'Bakery at the Old Mill',
  'Ridge Walkers',
  'Choir of St. Ursula & Friends',
  'Museum of Small Maps',
  'Second-hand Books Trieste',
  'Bergen Rain Fans',
  'Community Garden West',
  'The Accordion Question',
  'Night Bus Stories',
  '京都 喫茶めぐり',
  'مقهى المدينة القديمة',
  'Kletterverein Köln',
  'Herons of the Canal',
  'Lentil Soup Appreciation',
] as const

export const events = [
  ['Garden party', 'Salads welcome, umbrellas too.'],
  ['Choir concert', 'Two halves, one interval, no encore (probably).'],
  ['Walk on the ridge', 'Twelve kilometres & one very good bench.'],
  ['Book swap', 'Bring three, take three.'],
  ['Repair café', 'We have screwdrivers; you have patience.'],
  ['Birthday at the lake', 'No presents, only cake.'],
  ['Film night: <silent> & subtitled', 'Starts when it is dark.'],
  ['Dumplings for beginners', 'Flour everywhere.\nOld clothes recommended.'],
] as const

export const albums = [
  'Summer at the sea',
  'The garden, year by year',
  'Trains & stations',
  'Family',
  'Kitchen experiments',
  'Ridge in the fog',
] as const

export const captions = [
  'Before the rain',
  'The good bench',
  'Everybody at once, for the first time since 2011',
  'Soup, after',
  'Sunrise over somebody else’s fields',
  'Ein Reiher, beleidigt',
  '雨の日の路地',
] as const

export const alts = [
  'A bowl of soup on a wooden table, a spoon beside it',
  'A path between two hedges, fog at its end',
  'Sunrise over a harbour with small boats',
  'A hand-drawn map with one street coloured red',
] as const

export const friends = ['Mira Okafor', 'Jonas Übermut', 'Ana María Ruiz', 'Tomasz Żółw', '春 田中', 'Layla Haddad'] as const

export const wishes = [
  'Happy birthday!',
  'Thank you for yesterday ❤️',
  'Is this still your address?',
  'Look what I found in the attic.',
  '🎂🎉',
] as const

export const places: readonly NewPlace[] = [
  {
    name: 'Bakery at the Old Mill',
    street: '12 Mill Lane',
    city: 'Asheville',
    country: 'United States',
    zip: '28801',
    latitude: 35.5951,
    longitude: -82.5515,
  },
  {
    name: 'Caffè San Marco',
    street: 'Via Battisti 18',
    city: 'Trieste',
    country: 'Italy',
    zip: '34125',
    latitude: 45.6536,
    longitude: 13.7795,
  },
  { name: 'Kölner Dom', city: 'Köln', country: 'Germany', zip: '50667', latitude: 50.9413, longitude: 6.9583 },
  { name: '伏見稲荷大社', city: '京都市', country: 'Japan', latitude: 34.9671, longitude: 135.7727 },
  { name: 'Fløyen', city: 'Bergen', country: 'Norway', latitude: 60.3944, longitude: 5.3428 },
  { name: 'خان الخليلي', city: 'القاهرة', country: 'Egypt', latitude: 30.0477, longitude: 31.2623 },
  { name: 'A buoy in the Gulf of Guinea', latitude: 0, longitude: 0 },
]

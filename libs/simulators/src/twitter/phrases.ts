export const retorts = [
  'Exactly this!',
  'I had no idea, thank you.',
  'Could you send me the recipe?',
  'Same here, since Tuesday.',
  'Not sure I agree, but it made me think.',
  'Congratulations! 🎉',
  'That picture is wonderful.',
  'Which platform does it leave from?',
  'Haha, the cat again.',
  'See you there on Thursday.',
] as const

export const quoteComments = [
  'Everyone should read this:',
  'This, a thousand times.',
  'Found the best thing on here today.',
  'For my future self:',
  'Not what I expected, in a good way.',
] as const

export const threadTails = [
  'A few more details, since several of you asked.',
  'It began years ago, with a borrowed ladder and a bad idea.',
  'The part nobody tells you: it takes twice as long and costs half as much as you think.',
  'Photographs in the next one, when the light is better.',
  'That is all. Thanks for reading to the end!',
] as const

export const polls: readonly (readonly [question: string, options: readonly string[]])[] = [
  ['Settle this for us: what goes on first?', ['Jam', 'Cream']],
  ['Where should the bench go?', ['Under the tree', 'By the wall', 'Next to the pond', 'No bench']],
  ['How early is too early for a first coffee?', ['Before 5', 'Before 6', 'There is no too early']],
  ['Tabs on a Friday?', ['Fewer than 10', '10 to 50', 'Let’s not talk about it']],
]

export const places = [
  { name: 'Asheville', fullName: 'Asheville, NC', country: 'United States', countryCode: 'US', latitude: 35.5951, longitude: -82.5515 },
  {
    name: 'Trieste',
    fullName: 'Trieste, Friuli-Venezia Giulia',
    country: 'Italia',
    countryCode: 'IT',
    latitude: 45.6495,
    longitude: 13.7768,
  },
  { name: 'Köln', fullName: 'Köln, Deutschland', country: 'Deutschland', countryCode: 'DE', latitude: 50.9375, longitude: 6.9603 },
  { name: '京都市', fullName: '日本 京都市', country: '日本', countryCode: 'JP', latitude: 35.0116, longitude: 135.7681 },
  { name: 'Bergen', fullName: 'Bergen, Norge', country: 'Norge', countryCode: 'NO', latitude: 60.3929, longitude: 5.3242 },
  { name: 'القاهرة', fullName: 'القاهرة, مصر', country: 'مصر', countryCode: 'EG', latitude: 30.0444, longitude: 31.2357 },
] as const

export const alts = [
  'A bowl of soup on a wooden table, a spoon beside it',
  'A path between two hedges, fog at its end',
  'The same cat, asleep, in three different boxes',
  'Sunrise over a harbour with small boats',
  'A hand-drawn map with one street coloured red',
] as const

export const sources = ['Twitter for iPhone', 'Twitter Web App', 'Twitter for Android', 'TweetDeck'] as const

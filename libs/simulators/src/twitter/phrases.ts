/** Sentences of an ordinary life, written for this project. `%` is replaced by one of the words that go with the subject. */
export type Subject = {
  name: string
  tag: string | null
  words: readonly string[]
  openings: readonly string[]
  endings: readonly string[]
}

export const subjects: readonly Subject[] = [
  {
    name: 'garden',
    tag: 'garden',
    words: ['tomatoes', 'beans', 'sunflowers', 'courgettes', 'lavender', 'raspberries', 'dahlias', 'potatoes'],
    openings: [
      'The % have finally decided to grow.',
      'Spent the whole morning with the % and my back is writing letters of complaint.',
      'Somebody (a slug, allegedly) ate all the %.',
      'First % of the year & I am absurdly proud.',
      'Swapped some % with the neighbour for a jar of honey.',
    ],
    endings: [
      'Rain tonight, they say.',
      'The robin supervised.',
      'Compost is a long game.',
      'Same plan next year, with a higher fence.',
      '',
    ],
  },
  {
    name: 'kitchen',
    tag: 'cooking',
    words: ['rye bread', 'lentil soup', 'plum cake', 'dumplings', 'risotto', 'pickled cabbage', 'flatbread', 'apple pie'],
    openings: [
      'Tried my aunt’s recipe for % again.',
      'Made % for eight people, six came, none left.',
      'Is it still % if you forget the salt?',
      'Sunday means %.',
      'The secret of good % is apparently patience, which is not in my cupboard.',
    ],
    endings: ['The kitchen looks like a crime scene.', 'Would eat again.', 'Leftovers until Wednesday.', 'Recipe on request.', ''],
  },
  {
    name: 'books',
    tag: 'reading',
    words: [
      'a novel about lighthouses',
      'the second volume',
      'a history of maps',
      'short stories by Tove Jansson',
      'an old travel diary',
      'poems',
    ],
    openings: [
      'Stayed up far too late with %.',
      'Found % in a box on the pavement.',
      'Reading % on the train and nearly missed my stop.',
      'Lent somebody % in 2016 and saw it on their shelf today. Said nothing.',
      'Halfway through %: no idea who the narrator is any more.',
    ],
    endings: ['Five stars.', 'The library wants it back on Friday.', 'No spoilers please.', 'Who has read it?', ''],
  },
  {
    name: 'walks',
    tag: 'walking',
    words: ['the ridge', 'the old railway line', 'the canal', 'the long beach', 'the pine forest', 'the hill behind the school'],
    openings: [
      'Twelve kilometres along %, and one very good bench.',
      'Took % home instead of the bus.',
      'Fog on %, then suddenly not.',
      'Met exactly three people & two dogs on %.',
      'New shoes, old path: %.',
    ],
    endings: [
      'Legs say no, head says tomorrow.',
      'A heron looked disappointed in me.',
      'Tea from the flask tastes better than any other tea.',
      'Pictures do not do it justice.',
      '',
    ],
  },
  {
    name: 'work',
    tag: null,
    words: ['the migration', 'the quarterly report', 'the printer', 'a meeting about meetings', 'the new ticket system', 'the workshop'],
    openings: [
      'Survived %.',
      'Eleven people were in % and not one of them knew why.',
      'Today % was done before lunch, which has never happened before.',
      'I would like to apologise to everyone involved in %.',
      'Friday afternoon, and % breaks. Naturally.',
    ],
    endings: [
      'It was DNS.',
      'On the bright side: cake.',
      'Monday is a problem for Monday.',
      'Writing it down so that nobody has to do it again.',
      '',
    ],
  },
  {
    name: 'music',
    tag: 'music',
    words: ['the choir', 'a brass band', 'my sister’s quartet', 'an organ concert', 'the radio orchestra', 'somebody with an accordion'],
    openings: [
      'Heard % tonight and walked home slowly.',
      'Rehearsal with %: we found the wrong notes in all the right places.',
      'There was % on the platform this morning, and for once no one minded the delay.',
      'Two tickets for %, if anyone is free on Thursday?',
    ],
    endings: ['Goosebumps.', 'Encore!', 'The second movement, though.', ''],
  },
  {
    name: 'cat',
    tag: 'catsofX',
    words: ['the good chair', 'my keyboard', 'a cardboard box', 'the laundry', 'the one sunny spot', 'the top of the wardrobe'],
    openings: [
      'The cat has moved into %.',
      'Breaking: cat discovered in %, denies everything.',
      'Bought a basket. The cat prefers %.',
      'Video call interrupted by a cat on the way to %.',
    ],
    endings: ['Rent is overdue.', 'No further questions.', 'She is the boss here.', ''],
  },
  {
    name: 'family',
    tag: null,
    words: ['grandmother', 'my nephew', 'the twins', 'Dad', 'my cousin from Trieste', 'the whole family'],
    openings: [
      'Phoned % for an hour, mostly about the weather, which was lovely.',
      'Taught % to ride a bicycle. Only one hedge was harmed.',
      'Birthday dinner with %.',
      'Old letters from % in the attic: every one begins with the price of butter.',
      'Quote of the day, from %: “If it is worth doing, it is worth doing after coffee.”',
    ],
    endings: ['❤️', 'Memory unlocked.', 'Write things down, people.', 'More soon.', ''],
  },
  {
    name: 'travel',
    tag: 'trains',
    words: [
      'the night train',
      'a ferry in the rain',
      'the slow route over the pass',
      'a bus that stops for goats',
      'the first train',
      'a very small airport',
    ],
    openings: [
      'Took % and saw the sun come up over somebody else’s fields.',
      'Missed the connection, so: %.',
      'There is nothing like %.',
      'Packing list for %: sandwiches, a book, low expectations.',
    ],
    endings: ['Postcards are in the post.', 'Would travel again.', '40 minutes late, nobody in a hurry.', ''],
  },
]

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

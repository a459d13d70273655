import type { Random } from './random.ts'

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

/** One or two sentences about something, and the subject that they are of. */
export function saying(random: Random): { subject: Subject; text: string } {
  const subject = random.pick(subjects)
  const words = [random.pick(subject.openings).replace('%', random.pick(subject.words)), random.pick(subject.endings)].filter(Boolean)
  const opening = words[0]![0]!.toUpperCase() + words[0]!.slice(1)
  return { subject, text: words.length > 1 ? `${opening} ${words[1]}` : opening }
}

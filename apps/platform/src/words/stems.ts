import type { Database } from '@asheville/database'

/** Snowball's stemmers, as every Postgres has them, by language. */
const byLanguage: Readonly<Record<string, string>> = {
  ar: 'arabic',
  hy: 'armenian',
  eu: 'basque',
  ca: 'catalan',
  da: 'danish',
  nl: 'dutch',
  en: 'english',
  fi: 'finnish',
  fr: 'french',
  de: 'german',
  el: 'greek',
  hi: 'hindi',
  hu: 'hungarian',
  id: 'indonesian',
  ga: 'irish',
  it: 'italian',
  lt: 'lithuanian',
  ne: 'nepali',
  no: 'norwegian',
  nb: 'norwegian',
  nn: 'norwegian',
  pt: 'portuguese',
  ro: 'romanian',
  ru: 'russian',
  sr: 'serbian',
  es: 'spanish',
  sv: 'swedish',
  ta: 'tamil',
  tr: 'turkish',
}
const stemmers = [...new Set(Object.values(byLanguage))]
/** Where nothing says which language it is: what most of what is written so is. */
const byScript = [
  [/^\p{Script=Arabic}/u, 'arabic'],
  [/^\p{Script=Cyrillic}/u, 'russian'],
  [/^\p{Script=Greek}/u, 'greek'],
  [/^\p{Script=Armenian}/u, 'armenian'],
  [/^\p{Script=Devanagari}/u, 'hindi'],
  [/^\p{Script=Tamil}/u, 'tamil'],
] as const

/** Which stemmer is for a word of a text in that language; null: none. */
export function stemmerOf(word: string, language: string | null): string | null {
  const known = language === null ? undefined : byLanguage[language]
  return known ?? byScript.find(([script]) => script.test(word))?.[1] ?? null
}

/** A word's stem, with the language whose it is: words of different languages are never the same by their stems. */
export type Stem = `${string}:${string}`

const portionWords = 5000

/** The stems of words by that stemmer, in the same order; null: the word is one that says nothing (`the`). */
export async function stemsOf(db: Database, words: readonly { word: string; stemmer: string }[]): Promise<(Stem | null)[]> {
  const stems: (Stem | null)[] = []
  for (let at = 0; at < words.length; at += portionWords) {
    const some = words.slice(at, at + portionWords)
    const rows = await db.query<{ stem: string | null }>(
      `SELECT (ts_lexize((stemmer || '_stem')::regdictionary, word))[1] AS stem
       FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS wanted(word, stemmer, place) ORDER BY place`,
      [some.map(({ word }) => word), some.map(({ stemmer }) => stemmer)],
    )
    rows.forEach(({ stem }, index) => stems.push(stem === null ? null : `${some[index]!.stemmer}:${stem}`))
  }
  return stems
}

/** A word's stems in every language that has letters like its own. */
export async function stemsInAnyLanguage(db: Database, word: string): Promise<Stem[]> {
  const script = stemmerOf(word, null)
  const candidates = stemmers.filter((stemmer) => {
    const own = byScript.find(([, name]) => name === stemmer)
    return own
      ? own[0].test(word)
      : script === null || (script === 'russian' && stemmer === 'serbian') || (script === 'hindi' && stemmer === 'nepali')
  })
  const stems = await stemsOf(
    db,
    candidates.map((stemmer) => ({ word, stemmer })),
  )
  return stems.filter((stem) => stem !== null)
}

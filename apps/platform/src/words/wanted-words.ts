import type { Database } from '@asheville/database'
import type { WantedWord } from '../queries/reading.ts'
import { foldText, wordsOf } from './fold-text.ts'
import { itemText } from './item-text.ts'
import { gramsOf, markerOf } from './marks.ts'
import { stemsInAnyLanguage } from './stems.ts'

export interface Search {
  words: readonly WantedWord[]
  /** Whether an item has each of the words: what stands for words in the index may also stand for others. */
  isIn(object: Readonly<Record<string, unknown>>, byStem: readonly boolean[]): boolean
}

const maxWords = 10

/** What a person looks for: all of these words, each in the middle of a longer one too, or in another form of its language. */
export async function searchFor(db: Database, userId: string, text: string): Promise<Search> {
  const words = [...new Set(wordsOf(text))].slice(0, maxWords)
  const marker = markerOf(userId)
  const folded = words.map(foldText)
  return {
    words: await Promise.all(
      words.map(async (word, index) => ({
        grams: gramsOf(folded[index]!).map((gram) => marker('gram', gram)),
        stems: (await stemsInAnyLanguage(db, word)).map((stem) => marker('stem', stem)),
      })),
    ),
    isIn(object, byStem) {
      const own = foldText(itemText(object).text)
      return folded.every((word, index) => byStem[index] === true || own.includes(word))
    },
  }
}

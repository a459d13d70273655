import { foldText } from './fold-text.ts'
import type { Stem } from './stems.ts'

/** Of languages that put no spaces between words, or change words at their ends: a letter or two are worth looking for. */
const dense =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}ー]+/gu

/** What a folded word is found by in the middle of others: of dense scripts its letters and pairs of them, else three letters each, or the whole of a shorter word. */
export function gramsOf(folded: string): string[] {
  const grams: string[] = []
  let at = 0
  for (const match of folded.matchAll(dense)) {
    addSparse(folded.slice(at, match.index), grams)
    const letters = [...match[0]]
    letters.forEach((letter, index) => {
      grams.push(letter)
      if (index > 0) grams.push(letters[index - 1]! + letter)
    })
    at = match.index + match[0].length
  }
  addSparse(folded.slice(at), grams)
  return grams
}

/** Nobody looks for what is longer: it is no word. */
const maxLetters = 100

function addSparse(piece: string, grams: string[]): void {
  if (piece === '') return
  const letters = [...piece.slice(0, maxLetters)]
  if (letters.length < 3) grams.push(piece)
  for (let at = 0; at + 3 <= letters.length; at++) grams.push(letters.slice(at, at + 3).join(''))
}

/** What marks of one person are made with. */
export type Marker = (kind: 'gram' | 'stem', text: string) => number

/**
 * Marks stand in the index for what they were made of: 32 bits of a hash with the person in it, so that words of one person's never match
 * another's, and that nothing can be read from them (docs/decisions/0011).
 */
export function markerOf(userId: string): Marker {
  const seeds = { gram: hash(`gram ${userId} `, 0x811c9dc5), stem: hash(`stem ${userId} `, 0x811c9dc5) }
  return (kind, text) => mixed(hash(text, seeds[kind]))
}

/** FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/, of UTF-16 units. */
function hash(text: string, seed: number): number {
  let value = seed
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  return value
}

/** MurmurHash3's last step: each bit depends on all. */
function mixed(value: number): number {
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return value ^ (value >>> 16)
}

/** The marks of an item with these words, of which some have stems. */
export function marksOf(marker: Marker, words: Iterable<string>, stems: Iterable<Stem>): number[] {
  const marks = new Set<number>()
  for (const word of new Set(words)) for (const gram of gramsOf(foldText(word))) marks.add(marker('gram', gram))
  for (const stem of stems) marks.add(marker('stem', stem))
  return [...marks]
}

import { foldText } from '../words/fold-text.ts'

/** Networks that take less cut a text; so much of it they all take. */
const maxLetters = 200
/** Of whatever a text has before it, so much is looked through. */
const maxChars = 5000
const shingle = 5
const size = 16
/** Says too little to tell it from another. */
const minLetters = 12
/** So much has to be said for two to be held for the same by their words alone: `Good morning` is said by everybody, every day. */
const enough = 40
const dense = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]/gu

/** Letters and digits of what is said, folded, without links, mentions and hashtags, which are another's on each network. */
export function lettersOf(text: string): string {
  const bare = text
    .slice(0, maxChars)
    .replace(/(?:https?:\/\/|www\.)\S+|[\w-]{1,63}(?:\.[\w-]{1,63}){1,9}\/\S*/gi, ' ')
    .replace(/[#@＃＠][\p{L}\p{N}_][\p{L}\p{M}\p{N}_.@-]*/gu, ' ')
  return [...foldText(bare).replace(/[^\p{L}\p{N}\p{M}]/gu, '')].slice(0, maxLetters).join('')
}

/** Whether the words are enough to go by alone. Of scripts with a letter for a syllable or a word, fewer are. */
export function saysEnough(letters: string): boolean {
  return [...letters].length + 2 * (letters.match(dense)?.length ?? 0) >= enough
}

/**
 * The smallest hashes of each few letters in a row: of two texts as large a share of them is the same as of the texts
 * (A. Broder, On the resemblance and containment of documents, 1997). null: it says too little.
 */
export function sketchOf(letters: string): number[] | null {
  const all = [...letters]
  if (all.length + 2 * (letters.match(dense)?.length ?? 0) < minLetters) return null
  const hashes = new Set<number>()
  for (let at = 0; at + shingle <= Math.max(all.length, shingle); at++) hashes.add(hash(all.slice(at, at + shingle).join('')))
  return [...hashes].sort((one, other) => one - other).slice(0, size)
}

/** How alike two texts are, by their sketches: 0 to 1. */
export function likeness(one: readonly number[], other: readonly number[]): number {
  const [ours, theirs] = [new Set(one), new Set(other)]
  const union = [...new Set([...one, ...other])].sort((a, b) => a - b).slice(0, size)
  return union.filter((value) => ours.has(value) && theirs.has(value)).length / union.length
}

/** FNV-1a and MurmurHash3's last step, as 32 bits with sign. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return value ^ (value >>> 16)
}

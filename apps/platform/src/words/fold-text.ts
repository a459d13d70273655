/** Marks that are often left out when words are typed: accents, Hebrew points, Arabic vowel signs and hamzas, the stretching of Arabic letters. */
const leftOut = /[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670]/g
const alike: Readonly<Record<string, string>> = { ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', ł: 'l', đ: 'd', ı: 'i', ى: 'ي', ة: 'ه', ς: 'σ' }

/** A text in which what people take for the same letters is the same: `MÖKKI` and `mo\u0308kki` are `mokki`, full-width letters are plain ones. */
export function foldText(text: string): string {
  const bare = text.normalize('NFKC').toLowerCase().normalize('NFD').replace(leftOut, '').normalize('NFC')
  return bare.replace(/[ßæœøłđıىةς]/g, (letter) => alike[letter] ?? letter)
}

/** The words of a text as they were written, in lower case: of languages that put no spaces between words, whole stretches of letters. */
export function wordsOf(text: string): string[] {
  return (
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{N}\p{M}]+|\p{Extended_Pictographic}/gu) ?? []
  )
}

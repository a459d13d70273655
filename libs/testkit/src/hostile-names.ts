const inside = (mark: string) => `a${mark}b.json`
const codes = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => String.fromCodePoint(from + index))

/** Names that Windows keeps for devices. */
const devices = ['CON', 'PRN', 'AUX', 'NUL', ...codes(0x31, 0x39).flatMap((digit) => [`COM${digit}`, `LPT${digit}`])]
/** What one storage or another drops, adds or takes for a mark of its own at the ends of a name. */
const ends = [' ', '.', '~', '-', '\t', '\n', '\r', '\v', '\u00a0', '\u3000', '\ufeff', '$']

/**
 * Two hundred names of files that some storage or file system somewhere cannot hold, alters, or takes for another: what rclone escapes for its seventy storages
 * (https://rclone.org/overview/#restricted-filenames), devices, names too long, twins that differ only in case or in how an accent is
 * written, letters that turn the text around or do not show. None has a `/`.
 */
export const hostileNames: readonly string[] = [
  ...new Set([
    ...codes(0x01, 0x1f).map(inside),
    ...[...'"*:<>?|\\\u007f#%&+;=@`^\'!,$(){}[]'].map(inside),
    ...ends.flatMap((mark) => [`${mark}first.json`, `last.json${mark}`]),
    ...devices.flatMap((name) => [name, `${name.toLowerCase()}.json`]),
    ...[
      '...',
      '. .',
      '~',
      '-',
      '--help',
      '-rf',
      '.git',
      '.htaccess',
      '._a.json',
      '~$a.docx',
      'desktop.ini',
      'Thumbs.db',
      '.DS_Store',
      '$RECYCLE.BIN',
    ],
    ...['%00', '%2e%2e', '%2F', '%5c', '%zz', '&amp;', '&#x2F;', '+', '..;', 'a..b', '..a', 'a?b=c', '#', 'http:', 'a:b', 'C:a'],
    ...[255, 256, 300].flatMap((length) => ['x'.repeat(length), `${'é'.repeat(length / 2)}.json`, '🎈'.repeat(length / 4)]),
    ...[
      'Case.json',
      'case.json',
      'CASE.JSON',
      'caf\u00e9.json',
      'cafe\u0301.json',
      'CAFÉ.json',
      'stra\u00dfe',
      'strasse',
      'STRASSE',
      '\u0130',
      'i\u0307',
      '\u0131',
      'I',
      'i',
    ],
    ...[
      '\ufb01sh',
      'fish',
      '\u212b',
      '\u00c5',
      'A\u030a',
      '\u2126',
      '\u03a9',
      '\u1e9b\u0323',
      '\uff41',
      '\u30ac',
      '\u30ab\u3099',
      '\uac00',
      '\u1100\u1161',
    ],
    ...[
      '\u202ecod.exe',
      '\u2066a\u2069',
      '\u200b',
      'a\u200bb',
      'a\u200db',
      '\u00ad',
      '\u2028',
      '\u2029',
      '\u0000',
      'a\u0000.json',
      '\ud800',
      'a\udfff.json',
      '\ufffe',
      '\u{10ffff}',
      '\ufffd',
    ],
    ...[
      '日本語.json',
      'русский.json',
      'עברית.json',
      'العربية.json',
      'ไทย.json',
      '👩‍👩‍👧‍👦.json',
      'a\u0301\u0301\u0301\u0301.json',
      '\u0301.json',
      '１２３.json',
      '／.json',
      '∕.json',
      '．．',
    ],
  ]),
]

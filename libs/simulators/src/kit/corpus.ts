/** Sentences of the generated posts, by the trouble that they are there to cause. Written for this project. */
export const plain: readonly (readonly [language: string, text: string])[] = [
  ['en', 'The lighthouse keeper sold me a map of places that are no longer there.'],
  ['en', 'Baked the bread too long again, but the kitchen smells like a holiday.'],
  ['en', 'Three herons on the canal this morning, all pretending not to know each other.'],
  ['en', 'It’s “quoted”, it’s dashed – and it ends with an ellipsis…'],
  ['de', 'Der Zug hält heute nicht in Köln, sagt die Durchsage, und alle seufzen höflich.'],
  ['de', 'Größere Grüße aus Österreich: Äpfel, Öl und Überraschungen für Fußgänger.'],
  ['fr', 'Le café était fermé, alors nous avons goûté l’été sur un banc près du fleuve.'],
  ['es', '¿Quién dejó la bicicleta azul en el tejado? Mañana preguntaré al señor Ibáñez.'],
  ['pl', 'Zażółć gęślą jaźń, a potem chodźmy na spacer wzdłuż Odry.'],
  ['tr', 'Iğdır’da ılık bir akşam, çay ve İstanbul’dan gelen haberler.'],
  ['el', 'Το καράβι έφτασε αργά και το νησί κοιμόταν ήδη.'],
  ['uk', 'Сьогодні їжак переходив вулицю, і всі машини чекали.'],
]

export const rightToLeft: readonly (readonly [string, string])[] = [
  ['ar', 'صباح الخير من المدينة القديمة، القهوة جاهزة والنوافذ مفتوحة.'],
  ['he', 'הגשם התחיל בדיוק כשיצאנו (בלי מטרייה, כמובן) לכיוון Haifa 2024.'],
  ['fa', 'کتاب را دوباره خواندم و پایانش عوض شده بود.'],
  ['ar', 'الرابط هنا https://example.org/صفحة وبعده نص English ثم عربي.'],
]

export const eastAsian: readonly (readonly [string, string])[] = [
  ['ja', '駅前の古本屋で、知らない人のしおりを見つけた。'],
  ['zh', '雨停了，街角的猫还在原来的地方。'],
  ['ko', '오늘은 버스를 놓쳐서 강을 따라 걸었다.'],
  ['th', 'วันนี้อากาศดี เดินเล่นริมแม่น้ำจนลืมเวลา'],
  ['hi', 'बारिश के बाद गली में चाय की खुशबू फैल गई।'],
]

export const emoji: readonly (readonly [string, string])[] = [
  ['en', 'Family trip 👨‍👩‍👧‍👦 under the flag 🏴󠁧󠁢󠁳󠁣󠁴󠁿 with 🧑🏽‍🚀 and 👩🏿‍🌾!'],
  ['en', '🎉🎉🎉 It is done ✅ — thanks, everyone ❤️‍🔥🏳️‍🌈'],
  ['en', 'Keycaps 1️⃣2️⃣3️⃣ and a lone variation selector \uFE0F here'],
  ['en', 'Combining: Z̴̧̛͖a̷͇̿l̸̝̈́g̵̳̈o̶͇͝ and e\u0301 versus é'],
]

/** Texts that break careless code: markup, markers of other formats, control and invisible characters, path tricks. */
export const hostile: readonly string[] = [
  '<script>alert("asheville")</script><img src=x onerror=alert(1)>',
  ']]> --> */ {{7*7}} ${7*7} <%= 7*7 %> #{7*7}',
  'NUL-like: \\u0000 %00 &#0; \u2400 \uFFFD and a null byte in name.txt%00.png',
  '\u202Egnp.exe\u202C hides its end, \u200Bzero\u200Bwidth\uFEFF and \u2066isolates\u2069',
  'Robert\'); DROP TABLE items;-- " OR "1"="1',
  '../../../../etc/passwd ..\\..\\windows\\system32 CON AUX nul.txt',
  'javascript:alert(1) data:text/html,<b>x</b> https://user:pass@[::1]:1/',
  '=HYPERLINK("http://x.example","click") \t tab and \r\n line ends',
  '</style></title></textarea><svg/onload=alert(2)>&lt;not&amp;escaped&gt;',
]

export const hashtags = ['harbour', 'bread', 'Köln', 'عربي', '日本', 'CamelCase', 'slow_mail', 'y2k'] as const
export const warnings = ['spoiler', 'food', 'long read', '<b>bold?</b> & politics'] as const
export const pollQuestions: readonly (readonly string[])[] = [
  ['Yes', 'No'],
  ['Tea', 'Coffee', 'Water', 'قهوة'],
  ['<b>bold</b>', 'A & B', '“both”'],
]

export const places = [
  { name: 'Asheville', country: 'United States', latitude: 35.5951, longitude: -82.5515 },
  { name: 'Köln', country: 'Deutschland', latitude: 50.9375, longitude: 6.9603 },
  { name: '京都', country: '日本', latitude: 35.0116, longitude: 135.7681 },
  { name: 'القاهرة', country: 'مصر', latitude: 30.0444, longitude: 31.2357 },
  { name: 'Null Island', country: '', latitude: 0, longitude: 0 },
  { name: 'Suva', country: 'Fiji', latitude: -18.1416, longitude: 178.4419 },
] as const

export const people: readonly (readonly [username: string, displayName: string])[] = [
  ['mira', 'Mira Okafor'],
  ['jonas', 'Jonas Übermut'],
  ['layla', 'ليلى'],
  ['haru', '春 🌸'],
  ['zed', '<b>Zed</b> & sons'],
  ['ana_maria', 'Ana María'],
  ['q', '\u202Eq\u202C'],
  ['tomasz', 'Tomasz Żółw'],
]
